// A client that is in the middle of its calls when something happens to it, to its peer or to the path between them.
//   held_calls TARGET CALLS KEEPALIVE_MS
// Each call is an EchoStream that has had one reply and waits. Prints "held" when all do; when all have
// ended, a line "NAME COUNT" for each status and "again COUNT" for ends that came to a call that was over.
// KEEPALIVE_MS: ping after so long without a byte, and as long for the answer; 0: never. Exit code 3: some
// call has not ended after a minute.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/streaming_client_call.h"

namespace {

using namespace saker;
using echo::v1::EchoReply;
using echo::v1::EchoRequest;

constexpr Duration kMostLife = std::chrono::minutes(1);
// What ends a call twice does so at once, or when its connection goes.
constexpr Duration kAfterTheLast = std::chrono::milliseconds(200);

struct Count {
  long held = 0;
  long ended = 0;
  long again = 0;
  std::map<std::string, long> statuses;
};

class HeldCall final : public rpc::StreamingClientCall<EchoRequest, EchoReply> {
 public:
  explicit HeldCall(Count& count) : count_(count) {}

 private:
  void on_writable() override {
    if (wrote_) return;
    wrote_ = true;
    EchoRequest request;
    request.set_payload("held");
    write(request);
  }
  void on_reply(EchoReply& reply) override { count_.held += reply.payload() == "held"; }
  void on_done() override {
    if (over_) {
      ++count_.again;
      return;
    }
    over_ = true;
    ++count_.ended;
    ++count_.statuses[std::string(grpc::status_code_name(status().code))];
  }

  Count& count_;
  bool wrote_ = false;
  bool over_ = false;
};

// Until `value` is `wanted`; false: the time is over.
bool drive(net::Loop& loop, const long& value, long wanted, Time end) {
  while (value < wanted && loop.read_clock() < end) loop.run_once(end);
  return value >= wanted;
}

void report(const Count& count) {
  for (const auto& [name, calls] : count.statuses) std::printf("%s %ld\n", name.c_str(), calls);
  std::printf("again %ld\n", count.again);
}

int run(net::Loop& loop, rpc::Channel& channel, long calls) {
  static const rpc::ClientMethod stream("/saker.echo.v1.Echo/EchoStream");
  const Time end = loop.read_clock() + kMostLife;
  Count count;
  std::vector<std::unique_ptr<HeldCall>> all;
  for (long index = 0; index < calls; ++index) {
    all.push_back(std::make_unique<HeldCall>(count));
    all.back()->start(channel, stream);
  }
  if (!drive(loop, count.held, calls, end)) return 3;
  std::printf("held\n");
  std::fflush(stdout);
  if (!drive(loop, count.ended, calls, end)) return 3;
  static const long never = 0;
  drive(loop, never, 1, loop.read_clock() + kAfterTheLast);
  report(count);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: held_calls TARGET CALLS KEEPALIVE_MS\n");
    return 2;
  }
  const auto target = net::parse_address(argv[1]);
  const auto loop = net::make_epoll_loop();
  if (!target || !loop) return 2;
  rpc::ChannelOptions options;
  if (const long ms = std::strtol(argv[3], nullptr, 10); ms != 0) {
    options.keepalive.time = options.keepalive.timeout = std::chrono::milliseconds(ms);
  }
  rpc::Channel channel(**loop, *target, options);
  return run(**loop, channel, std::strtol(argv[2], nullptr, 10));
}
