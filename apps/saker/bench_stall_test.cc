// Coordinated omission, with the arithmetic, on a simulated clock: a server that stalls for 100 ms in
// each second, and a load of 1,000 calls a second over five streams. Five calls a second notice the
// stall by themselves; the other hundred that were due meanwhile are sent late, and only latencies
// from the scheduled time know about them.
#include <gtest/gtest.h>

#include "bench_thread.h"
#include "saker/net/sim_loop.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::app {
namespace {

using namespace std::chrono_literals;

// Timers have ticks of a millisecond and are never early: a call takes 2 ms.
constexpr Duration kService = 1ms;
constexpr Duration kStall = 100ms;

struct RawWorkload {
  using Request = rpc::RawMessage;
  using Reply = rpc::RawMessage;
  struct Checker {
    explicit Checker(const RawWorkload&) {}
    static const char* check(const Request&, const Reply&) { return nullptr; }
  };
  static const rpc::ClientMethod& method() { return rpc::unary_method(); }
  static void begin(Request& request) { request.bytes = "x"; }
  static void prepare(Request&, uint64_t, int64_t) {}
};

// Each call takes kService, but none ends in the second tenth of a second.
class StallingServer final : private net::ListenerEvents {
 public:
  StallingServer(net::SimLoop& loop, const net::Address& address) : epoch_(loop.read_clock()) {
    dispatcher_.add_unary<rpc::RawMessage, rpc::RawMessage>(
        "/t.T/Unary",
        [this, &loop](rpc::ServerContext&, rpc::RawMessage&,
                      rpc::RawMessage&) -> rpc::Task<grpc::Status> {
          co_await rpc::Nap(loop, end_of_call(loop.now()) - loop.now());
          co_return grpc::Status();
        });
    dispatcher_.prepare(1);
    server_ = std::make_unique<rpc::ServerLoop>(0, loop, dispatcher_, options_);
    listener_ = *loop.listen(address, {}, *this);
  }

 private:
  Time end_of_call(Time begin) const {
    const Duration end = begin + kService - epoch_;
    const Duration in_second = end % 1s;
    const bool stalled = in_second >= kStall && in_second < 2 * kStall;
    return epoch_ + (stalled ? end - in_second + 2 * kStall : end);
  }
  void on_accept(net::Accepted accepted) override {
    server_->expect_connection();
    server_->adopt(std::move(accepted));
  }

  const Time epoch_;
  const rpc::ServerOptions options_;
  rpc::Dispatcher dispatcher_;
  std::unique_ptr<rpc::ServerLoop> server_;
  std::unique_ptr<net::Listener> listener_;
};

// 1,000 calls a second for ten seconds, or as many as go; five at a time.
struct StalledRun {
  explicit StalledRun(double rate) {
    options.rate = rate;
    options.connections = 1;
    options.streams = 5;
    options.threads = 1;
    rpc::ChannelOptions channel_options;
    channel_options.connect_eagerly = true;
    channel.emplace(client_loop, address, channel_options);
    const Time begin = network.now() + 1s;
    thread.emplace(options, workload, client_loop, *channel, connects, BenchShare());
    thread->run({.begin = begin, .measure_from = begin, .end_at = begin + 10s});
  }
  const BenchResult& result() const { return thread->result(); }

  net::SimNetwork network{1};
  net::SimLoop server_loop{network};
  net::SimLoop client_loop{network};
  net::Address address = *net::parse_address("memory://server");
  StallingServer server{server_loop, address};
  BenchOptions options;
  RawWorkload workload;
  BenchConnects connects;
  std::optional<rpc::Channel> channel;
  std::optional<BenchThread<RawWorkload>> thread;
};

double ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Of the calls that are due from the stall's beginning on, one each millisecond, number k ends
// (100 + 2 k / 5) ms after that, for five go at a time, and so takes 100 - 0.6 k ms, until k = 163 has
// caught up. The slowest hundredth of a second's calls are the ten with k < 10: p99 is some 94 ms,
// and p95, with k < 50, some 70 ms.
TEST(BenchStall, CorrectedLatenciesShowItWhole) {
  const StalledRun run(1000);
  EXPECT_EQ(run.result().calls, 10'000u);
  EXPECT_EQ(run.result().errors, 0u) << run.result().first_error;
  EXPECT_EQ(run.result().unfinished, 0u);
  EXPECT_NEAR(ms(run.result().corrected.percentile(99)), 94.4, 1.5);
  EXPECT_NEAR(ms(run.result().corrected.percentile(95)), 70.4, 1.5);
  EXPECT_NEAR(ms(run.result().corrected.percentile(50)), 2, 0.3);
  EXPECT_NEAR(ms(run.result().max_lag), 95, 3);
}

// From when they were sent, five of a thousand took long: p99 does not see them, p99.9 does.
TEST(BenchStall, UncorrectedLatenciesHideIt) {
  const StalledRun run(1000);
  EXPECT_NEAR(ms(run.result().uncorrected.percentile(99)), 2, 0.3);
  EXPECT_NEAR(ms(run.result().uncorrected.percentile(99.9)), 100, 3);
}

// It makes 2,500 calls a second but for the stall, of which five notice: one in 450.
TEST(BenchStall, ClosedLoopsHideIt) {
  const StalledRun run(0);
  EXPECT_NEAR(static_cast<double>(run.result().calls.load()), 22'500, 500);
  EXPECT_NEAR(ms(run.result().corrected.percentile(99)), 2, 0.3);
  EXPECT_NEAR(ms(run.result().corrected.max()), 100, 3);
}

}  // namespace
}  // namespace saker::app
