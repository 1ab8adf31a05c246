// Audit records, the file that they are kept in, and the thread that writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "saker/rpc/task.h"
#include "saker/services/crypto/audit_log.h"

// fdatasync(2) of this program, in place of the C library's, so that a disk can fail.
namespace {
std::atomic<int> syncs_to_fail = 0;
std::atomic<int> failed_syncs = 0;
}  // namespace

extern "C" int fdatasync(int file) {
  if (syncs_to_fail.load() <= 0) return static_cast<int>(syscall(SYS_fdatasync, file));
  --syncs_to_fail;
  ++failed_syncs;
  errno = EIO;
  return -1;
}

namespace saker::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

AuditRecord record(const std::string& identity = "uid:1000") {
  AuditRecord made{.time_ns = 1'769'860'800'000'000'001,
                   .identity = identity,
                   .key = "pay",
                   .version = 2,
                   .algorithm = Algorithm::kEcdsaP256Sha256,
                   .digest = {},
                   .result = "OK"};
  made.digest.bytes[0] = 0xab;
  made.digest.size = 2;
  return made;
}

std::string without_newline(std::string line) {
  EXPECT_TRUE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

// ---- the chain

TEST(AuditChainTest, ALineSaysWhatWasSigned) {
  AuditChain chain;
  const auto line = without_newline(chain.append(record()));
  EXPECT_THAT(line, StartsWith(R"({"sequence":1,"time":"2026-01-31T12:00:00.000000001Z",)"
                               R"("identity":"uid:1000","key":"pay","version":2,)"
                               R"("algorithm":"ECDSA_P256_SHA256","digest":"ab00","result":"OK",)"
                               R"("prev":")" +
                               std::string(64, '0') + R"(","hash":")"));
  EXPECT_THAT(line, HasSubstr(chain.hash()));
}

TEST(AuditChainTest, FollowsItself) {
  AuditChain writer;
  AuditChain reader;
  for (int i = 0; i < 100; ++i) {
    const auto line =
        without_newline(i % 10 == 9 ? writer.append_lost(i, 3) : writer.append(record()));
    const auto followed = reader.follow(line);
    ASSERT_TRUE(followed) << followed.error().message;
    EXPECT_EQ(reader.hash(), writer.hash());
    EXPECT_EQ(AuditChain::resume(line)->hash(), writer.hash());
  }
  EXPECT_EQ(reader.sequence(), 100u);
}

TEST(AuditChainTest, NoByteOfALineCanBeChanged) {
  AuditChain writer;
  (void)writer.append(record());
  const AuditChain before = writer;
  const auto line = without_newline(writer.append(record("spiffe://a/\"b\\\n\xff")));
  for (size_t at = 0; at < line.size(); ++at) {
    auto changed = line;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    AuditChain reader = before;
    EXPECT_FALSE(reader.follow(changed)) << at;
    EXPECT_EQ(reader.sequence(), before.sequence());
  }
  for (size_t size = 0; size < line.size(); ++size)
    EXPECT_FALSE(AuditChain(before).follow(line.substr(0, size))) << size;
  EXPECT_FALSE(AuditChain(before).follow(line + "\n"));
  EXPECT_TRUE(AuditChain(before).follow(line));
}

TEST(AuditChainTest, NoLineCanBeDroppedRepeatedOrMoved) {
  AuditChain writer;
  std::vector<std::string> lines;
  for (int i = 0; i < 4; ++i) lines.push_back(without_newline(writer.append(record())));
  AuditChain reader;
  ASSERT_TRUE(reader.follow(lines[0]));
  EXPECT_THAT(reader.follow(lines[2]).error().message, HasSubstr("has sequence 3, not 2"));
  EXPECT_THAT(reader.follow(lines[0]).error().message, HasSubstr("has sequence 1, not 2"));
  AuditChain other;
  (void)other.append(record("somebody else"));
  EXPECT_THAT(reader.follow(without_newline(other.append(record()))).error().message,
              HasSubstr("does not continue the line before"));
}

// ---- the file

class AuditFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "saker-audit-" + std::to_string(::getpid());
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void write(std::string_view bytes) { std::ofstream(path_, std::ios::app) << bytes; }

  std::string path_;
};

TEST_F(AuditFileTest, ContinuesWhereItEnded) {
  for (uint64_t round = 0; round < 3; ++round) {
    auto file = AuditFile::open(path_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->chain().sequence(), 2 * round);
    AuditChain chain = file->chain();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(file->append(chain.append(record())));
    ASSERT_TRUE(file->sync());
  }
  const auto summary = verify_audit_file(path_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->records, 6u);
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(AuditFileTest, ATornLineIsCutOff) {
  AuditChain chain;
  const std::string first = chain.append(record());
  const std::string second = chain.append(record());
  for (size_t size = 1; size < second.size(); size += 7) {
    std::filesystem::remove(path_);
    write(first + second.substr(0, size));
    EXPECT_EQ(verify_audit_file(path_)->torn_bytes, size);
    auto file = AuditFile::open(path_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->torn_bytes(), size);
    AuditChain resumed = file->chain();
    ASSERT_TRUE(file->append(resumed.append(record())));
    EXPECT_EQ(verify_audit_file(path_)->records, 2u);
  }
}

TEST_F(AuditFileTest, AFileThatIsTornFromItsStartIsEmpty) {
  write("{\"seq");
  const auto file = AuditFile::open(path_);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->chain().sequence(), 0u);
  EXPECT_EQ(std::filesystem::file_size(path_), 0u);
}

TEST_F(AuditFileTest, WhatIsNoAuditLogIsRefused) {
  write("precious notes\n");
  EXPECT_THAT(AuditFile::open(path_).error().message, HasSubstr("is no sound audit record"));
  EXPECT_EQ(std::filesystem::file_size(path_), 15u);
  EXPECT_FALSE(AuditFile::open("/nowhere/audit"));
  EXPECT_FALSE(AuditFile::open("/dev/null"));
}

TEST_F(AuditFileTest, OneWriterAtATime) {
  const auto first = AuditFile::open(path_);
  ASSERT_TRUE(first);
  EXPECT_THAT(AuditFile::open(path_).error().message, HasSubstr("another process writes it"));
}

TEST_F(AuditFileTest, VerificationNamesTheBrokenLine) {
  AuditChain chain;
  std::string lines;
  for (int i = 0; i < 9; ++i) lines += chain.append(record());
  lines.replace(lines.find("uid:1000", lines.size() / 2), 8, "uid:1001");
  write(lines);
  const auto summary = verify_audit_file(path_);
  ASSERT_FALSE(summary);
  EXPECT_THAT(summary.error().message, StartsWith(path_ + ":"));
  EXPECT_THAT(summary.error().message, HasSubstr(": was changed"));
}

TEST_F(AuditFileTest, WhatWasAppendedCanBeTakenBack) {
  auto file = AuditFile::open(path_);
  AuditChain chain;
  ASSERT_TRUE(file->append(chain.append(record())));
  AuditChain unanswered = chain;
  ASSERT_TRUE(file->append(unanswered.append(record())));
  file->take_back();
  ASSERT_TRUE(file->append(chain.append(record())));
  EXPECT_EQ(verify_audit_file(path_)->records, 2u);
}

// ---- the log

class AuditLogTest : public AuditFileTest {
 protected:
  // `calls` at once, each with `each` records; how many were told that they were recorded.
  int append(AuditLog& log, int calls, size_t each) {
    net::Loop& loop = *loops_.emplace_back(*net::make_epoll_loop());
    std::vector<rpc::Task<bool>> tasks;
    int left = calls;
    int written = 0;
    const std::vector<AuditRecord> records(each, record());
    const auto call = [&](int) -> rpc::Task<bool> {
      AuditLog::Append waiting(log, loop, records);
      const bool recorded = co_await waiting;
      written += recorded ? 1 : 0;
      if (--left == 0) loop.stop();
      co_return recorded;
    };
    for (int i = 0; i < calls; ++i) tasks.push_back(call(i));
    for (auto& task : tasks) task.start([](void*) {}, nullptr);
    if (left > 0) loop.run();
    return written;
  }

 private:
  // The log's thread may still be at the end of post() when it has been answered: they outlive the log.
  std::vector<std::unique_ptr<net::Loop>> loops_;
};

TEST_F(AuditLogTest, EveryCallIsAnsweredWhenItsRecordsAreInTheFile) {
  for (const AuditSync sync : {AuditSync::kAlways, AuditSync::kBatch, AuditSync::kNone}) {
    std::filesystem::remove(path_);
    const auto log = AuditLog::open({.path = path_, .sync = sync, .required = false});
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(append(**log, 200, 3), 200);
    EXPECT_EQ(verify_audit_file(path_)->records, 600u);
    EXPECT_EQ((*log)->records(), 600u);
    EXPECT_TRUE((*log)->works());
  }
}

TEST_F(AuditLogTest, GoesOnInANewFileWhereTheOldOneWasMoved) {
  const std::string old = path_ + ".1";
  const auto log = AuditLog::open({.path = path_, .sync = AuditSync::kAlways});
  EXPECT_EQ(append(**log, 3, 1), 3);
  EXPECT_EQ((*log)->reopen().value_or(true), false);
  std::filesystem::rename(path_, old);
  EXPECT_EQ(append(**log, 2, 1), 2);
  EXPECT_EQ((*log)->reopen().value_or(false), true);
  EXPECT_EQ(append(**log, 4, 1), 4);
  const std::string files[] = {old, path_};
  const auto summary = verify_audit_files(files);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->records, 10u);  // one of them begins the second file
  EXPECT_FALSE(verify_audit_file(path_));
  const auto before = verify_audit_files({files, 1});
  EXPECT_EQ(before->records, 5u);
  EXPECT_EQ(verify_audit_files({files + 1, 1}, AuditChain::behind(before->last_hash))->records, 5u);
  const std::string swapped[] = {path_, old};
  EXPECT_FALSE(verify_audit_files(swapped));
}

TEST_F(AuditLogTest, DoesNotGoOnInAFileOfOthers) {
  const auto log = AuditLog::open({.path = path_});
  std::filesystem::rename(path_, path_ + ".1");
  write(AuditChain().append(record()));
  EXPECT_THAT((*log)->reopen().error().message, HasSubstr("is no continuation"));
  write("notes\n");
  EXPECT_FALSE((*log)->reopen());
  EXPECT_EQ(append(**log, 2, 1), 2);
  EXPECT_EQ(verify_audit_file(path_ + ".1")->records, 2u);
  (*log)->stop();
  EXPECT_FALSE((*log)->reopen());
}

// A disk that fails some syncs, and then works again.
class AuditLogSyncTest : public AuditLogTest {
 protected:
  void SetUp() override {
    AuditLogTest::SetUp();
    failed_syncs = 0;
  }
  void TearDown() override {
    syncs_to_fail = 0;
    AuditLogTest::TearDown();
  }

  static bool wait_until(const std::function<bool()>& condition) {
    for (int i = 0; i < 10'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

// The kernel tells of an error once: that the next sync succeeds says nothing of what is lost.
TEST_F(AuditLogSyncTest, WhatAFailedSyncMayHaveLostIsSaidInTheLog) {
  const auto log = AuditLog::open({.path = path_, .sync = AuditSync::kBatch});
  syncs_to_fail = 1;
  EXPECT_EQ(append(**log, 1, 6), 1);  // in one write, hence before one sync
  ASSERT_TRUE(wait_until([&] { return (*log)->lost() != 0; }));
  EXPECT_EQ((*log)->lost(), 6u);
  ASSERT_TRUE(wait_until([&] { return (*log)->works(); }));
  EXPECT_THAT(text(), HasSubstr("\"lost\":6,"));
  EXPECT_EQ(append(**log, 1, 1), 1);
  (*log)->stop();
  EXPECT_EQ((*log)->lost(), 6u) << "no record twice";
  EXPECT_EQ(verify_audit_file(path_)->records, 8u);
}

TEST_F(AuditLogSyncTest, WorksAgainWhenTheRecordOfTheLossIsOnTheDisk) {
  const auto log = AuditLog::open({.path = path_, .sync = AuditSync::kBatch, .required = true});
  std::atomic<int> news = 0;
  (*log)->set_report([&](const std::string&) { ++news; });
  syncs_to_fail = INT_MAX;
  EXPECT_EQ(append(**log, 1, 2), 1);
  ASSERT_TRUE(wait_until([&] { return !(*log)->works(); }));
  EXPECT_EQ(append(**log, 1, 1), 0) << "not on the disk, hence not recorded";
  ASSERT_TRUE(wait_until([] { return failed_syncs >= 4; }));
  EXPECT_EQ(news, 1);
  syncs_to_fail = 0;
  ASSERT_TRUE(wait_until([&] { return (*log)->works(); }));
  EXPECT_TRUE(wait_until([&] { return news == 2; }));
  EXPECT_EQ((*log)->lost(), 3u);
  EXPECT_THAT(text(), HasSubstr("\"lost\":3,"));
  EXPECT_EQ(verify_audit_file(path_)->records, 3u);
  (*log)->stop();
  (*log)->set_report({});
}

TEST_F(AuditLogTest, AStoppedLogTakesNothing) {
  const auto log = AuditLog::open({.path = path_});
  (*log)->stop();
  (*log)->stop();
  EXPECT_EQ(append(**log, 3, 1), 0);
  EXPECT_EQ(append(**log, 3, 0), 3);
}

}  // namespace
}  // namespace saker::crypto
