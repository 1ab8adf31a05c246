// Names through c-ares: a hosts file and a name server of the test's own making.
#include "saker/net/ares_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "saker/net/transport_harness.h"

namespace saker::net {
namespace {

using std::chrono::seconds;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Answer final : ResolveEvents {
  void on_resolved(Result<std::vector<Address>> result) override {
    ++count;
    if (!result) {
      error = result.error();
      return;
    }
    for (const Address& address : *result) texts.push_back(to_string(address));
  }
  int count = 0;
  std::vector<std::string> texts;
  Error error;
};

class AresLookupTest : public testing::Test {
 protected:
  void SetUp() override {
    hosts_ = files_.path("hosts");
    std::ofstream(hosts_) << "127.0.0.2 pair.test\n127.0.0.3 pair.test\n::1 six.test\n";
    setenv("CARES_HOSTS", hosts_.c_str(), 1);
  }
  void TearDown() override { unsetenv("CARES_HOSTS"); }
  bool run_until(const std::function<bool()>& done, Duration limit = seconds(20)) {
    const Time end = loop_->read_clock() + limit;
    while (!done() && loop_->read_clock() < end) {
      loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(5));
    }
    return done();
  }

  test::TemporaryDirectory files_;
  std::string hosts_;
  std::unique_ptr<Loop> loop_ = *make_epoll_loop();
};

TEST_F(AresLookupTest, TheHostsFileIsAskedFirst) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("pair.test:50051"), seconds(5), answer);
  EXPECT_EQ(answer.count, 0) << "never inside resolve()";
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, testing::UnorderedElementsAre("127.0.0.2:50051", "127.0.0.3:50051"))
      << answer.error.message;
}

TEST_F(AresLookupTest, BothFamilies) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("six.test:1"), seconds(5), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.texts, ElementsAre("[::1]:1")) << answer.error.message;
}

TEST_F(AresLookupTest, AnUnknownNameIsAnError) {
  Answer answer;
  const auto attempt = loop_->resolve(*parse_address("no-such-host.invalid:1"), seconds(2), answer);
  ASSERT_TRUE(run_until([&] { return answer.count == 1; }));
  EXPECT_THAT(answer.error.message, HasSubstr("no-such-host.invalid"));
  EXPECT_THAT(answer.error.system_error, AnyOf(ENOENT, EAGAIN, ETIMEDOUT));
}

TEST_F(AresLookupTest, DestroyingItAbandonsTheLookup) {
  Answer answer;
  for (const char* name : {"pair.test:1", "no-such-host.invalid:1"}) {
    loop_->resolve(*parse_address(name), seconds(2), answer).reset();
  }
  run_until([] { return false; }, std::chrono::milliseconds(50));
  EXPECT_EQ(answer.count, 0);
}

}  // namespace
}  // namespace saker::net
