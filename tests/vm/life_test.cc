// The lives of virtual machines and servers, as their peers see them: run in the outer machine of
// `run-in-vm --directed`, whose inner machine (CID 42) runs life_guest. Boots are real, by QEMU.
#include <execinfo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "life.h"
#include "saker/net/descriptor.h"
#include "saker/rpc/server.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::vm {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using rpc::RawMessage;
using testing::HasSubstr;

constexpr int kReboots = 20;
constexpr Duration kBootLimit = 60s;

int64_t in_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string environment(const char* name) {
  const char* value = getenv(name);
  if (value == nullptr) ADD_FAILURE() << "$" << name << " is not set: run this by --directed";
  return value == nullptr ? "" : value;
}

// Says where a test hangs, which the machine's own time-out would not.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::seconds limit) {
    (void)::signal(SIGALRM, [](int) {
      void* frames[64];
      backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
      (void)!system(
          "for t in /proc/[0-9]*; do echo $(cat $t/comm) $(cut -d' ' -f3,14,15 $t/stat) "
          "$(cat $t/wchan); done 2>/dev/null | tail -30 >&2");
      _exit(124);
    });
    restart(limit);
  }
  void restart(std::chrono::seconds limit) { alarm(static_cast<unsigned>(limit.count())); }
  ~Watchdog() { alarm(0); }
};

// The inner machine.
class Guest {
 public:
  ~Guest() { kill(); }

  void boot() {
    std::fflush(stdout);  // lest the child say it again
    (void)unlink(channel("out").c_str());
    pid_ = fork();
    if (pid_ == 0) {
      const std::string log = channel("qemu.log");
      if (freopen(log.c_str(), "w", stdout) == nullptr || dup2(1, 2) != 2) _exit(127);
      execl("/bin/sh", "sh", environment("VM_INNER").c_str(), nullptr);
      _exit(127);
    }
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // What it has printed since it booted begins so.
  bool says(std::string_view beginning) {
    std::string line;
    std::getline(std::ifstream(channel("out")), line);
    return line.starts_with(beginning);
  }
  // A command of QEMU's monitor.
  void tell_monitor(const std::string& command) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strcpy(at.sun_path, channel("monitor").c_str());
    const net::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    const std::string line = command + "\n";
    ASSERT_EQ(::send(fd.get(), line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
    usleep(300'000);  // it reads line by line, and says nothing that ends
  }
  std::string last_words() {
    std::stringstream text;
    for (const char* name : {"qemu.log", "console", "err"}) {
      text << name << ":\n" << std::ifstream(channel(name)).rdbuf() << "\n";
    }
    return text.str();
  }

 private:
  static std::string channel(const std::string& name) {
    return environment("VM_CHANNELS") + "/" + name;
  }
  pid_t pid_ = 0;
};

class Unary final : public rpc::UnaryClientCall<RawMessage, RawMessage> {
 public:
  int done = 0;

 private:
  void on_done() override { ++done; }
};

class Hanging final : public rpc::StreamingClientCall<RawMessage, RawMessage> {
 public:
  int done = 0;

 private:
  void on_reply(RawMessage&) override {}
  void on_writable() override {}
  void on_done() override { ++done; }
};

const rpc::ClientMethod& hang_method() {
  static const rpc::ClientMethod method("/vm.Life/Hang", rpc::MethodKind::kBidiStreaming);
  return method;
}

class VmLife : public testing::Test {
 protected:
  VmLife() : channel_(*loop_, vsock(kGuestCid, kGuestPort), patient_channel()) {}

  bool run_until(const std::function<bool()>& done, Duration limit) {
    const Time end = loop_->read_clock() + limit;
    while (!done()) {
      if (loop_->read_clock() > end) return false;
      loop_->run_once(loop_->read_clock() + 5ms);
    }
    return true;
  }
  // A call that waits for the guest; its reply. The end of the machine before this one may still be on
  // its way to us: a call that it takes along is made again.
  std::string ask(const std::string& path) {
    const rpc::ClientMethod method(path, rpc::MethodKind::kUnary);
    const Time give_up_at = loop_->read_clock() + kBootLimit;
    for (;;) {
      Unary call;
      call.start(channel_, method, {.wait_for_ready = true});
      EXPECT_TRUE(run_until([&] { return call.done > 0; }, give_up_at - loop_->read_clock()))
          << guest_.last_words();
      if (call.status().ok()) return call.reply().bytes;
      EXPECT_EQ(call.status().code, StatusCode::kUnavailable) << call.status().message;
      if (loop_->read_clock() >= give_up_at) return {};
    }
  }
  // Where machines are emulated, one in a hundred hangs before its program runs: that one boots again.
  void boot() {
    constexpr int kTries = 3;
    for (int tries = 0; tries < kTries; ++tries) {
      guest_.boot();
      if (run_until([&] { return guest_.says("listening"); }, kBootLimit)) return;
      std::printf("life: the machine hung before its program ran\n%s", guest_.last_words().c_str());
      guest_.kill();
    }
    ADD_FAILURE() << "no program ran after each of " << kTries << " boots";
  }
  // From the guest's listening to the arrival of our first call, by the guest's clock.
  Duration boot_and_reach() {
    const rpc::ClientMethod method("/vm.Life/Boot", rpc::MethodKind::kUnary);
    Unary first;  // waits for the guest all the time that it boots
    first.start(channel_, method, {.wait_for_ready = true});
    boot();
    run_until([&] { return first.done > 0; }, 10s);
    const bool arrived = first.done > 0 && first.status().ok();
    const std::string reply = arrived ? first.reply().bytes : ask("/vm.Life/Boot");
    return Duration(std::strtoll(reply.c_str(), nullptr, 10));
  }
  // Within 100 ms, that is; the best of a few boots, because an emulated machine stands still now and then.
  void expect_reached_soon() {
    constexpr int kBoots = 3;
    Duration reached{};
    for (int boot = 0; boot < kBoots; ++boot) {
      if (boot > 0) guest_.kill();
      reached = boot_and_reach();
      std::printf("life: first call %lld ms after the guest listened\n",
                  static_cast<long long>(in_ms(reached)));
      if (reached <= 100ms) return;
    }
    ADD_FAILURE() << "more than 100 ms after each of " << kBoots << " boots";
  }
  // `count` calls that the guest has accepted and does not answer.
  std::vector<std::unique_ptr<Hanging>> hang(int count) {
    std::vector<std::unique_ptr<Hanging>> calls;
    for (int at = 0; at < count; ++at) {
      calls.push_back(std::make_unique<Hanging>());
      calls.back()->start(channel_, hang_method());
    }
    ask("/vm.Life/Echo");  // behind them on the connection
    return calls;
  }
  // Until all have ended; each once, with UNAVAILABLE. How long it took.
  Duration expect_all_end(std::vector<std::unique_ptr<Hanging>>& calls, const char* why) {
    const Time begin = loop_->read_clock();
    const auto ended = [&] {
      return std::ranges::all_of(calls, [](auto& call) { return call->done > 0; });
    };
    EXPECT_TRUE(run_until(ended, 30s));
    const Duration took = loop_->read_clock() - begin;
    run_until([] { return false; }, 100ms);
    for (auto& call : calls) {
      EXPECT_EQ(call->done, 1);
      EXPECT_EQ(call->status().code, StatusCode::kUnavailable);
      EXPECT_THAT(call->status().message, HasSubstr(why));
    }
    return took;
  }

  Watchdog watchdog_{400s};
  std::unique_ptr<net::Loop> loop_ = must(net::make_epoll_loop());
  Guest guest_;
  rpc::Channel channel_;
};

TEST_F(VmLife, AClientThatIsThereBeforeTheGuest) {
  Unary impatient;
  const rpc::ClientMethod method("/vm.Life/Echo", rpc::MethodKind::kUnary);
  impatient.start(channel_, method);
  ASSERT_TRUE(run_until([&] { return impatient.done > 0; }, 5s));
  EXPECT_EQ(impatient.status().code, StatusCode::kUnavailable);
  EXPECT_THAT(impatient.status().message, HasSubstr("no such virtual machine"));
  expect_reached_soon();
}

TEST_F(VmLife, AGuestThatIsKilledInMidCall) {
  boot_and_reach();
  auto calls = hang(20);
  guest_.kill();
  const Duration took = expect_all_end(calls, "closed by the peer");
  std::printf("life: 20 calls ended %lld ms after the guest was killed\n",
              static_cast<long long>(in_ms(took)));
  EXPECT_LE(took, kKeepaliveTime + kKeepaliveTimeout);
  expect_reached_soon();
}

TEST_F(VmLife, AGuestThatFreezes) {
  boot_and_reach();
  auto calls = hang(20);
  guest_.tell_monitor("stop");
  const Duration took = expect_all_end(calls, "no answer to keepalive pings");
  std::printf("life: 20 calls ended %lld ms after the guest froze (keepalive %lld + %lld ms)\n",
              static_cast<long long>(in_ms(took)), static_cast<long long>(in_ms(kKeepaliveTime)),
              static_cast<long long>(in_ms(kKeepaliveTimeout)));
  EXPECT_LE(took, kKeepaliveTime + kKeepaliveTimeout + 1s);
  guest_.tell_monitor("cont");
  ask("/vm.Life/Echo");
}

TEST_F(VmLife, AGuestThatRebootsUnderLoad) {
  watchdog_.restart(kReboots * 45s);  // where machines are emulated, a boot alone takes 15 s
  Load load(*loop_, channel_, 50);
  load.start();
  Duration slowest{0};
  for (int boot = 0; boot < kReboots; ++boot) {
    const uint64_t before = load.totals().ok;
    slowest = std::max(slowest, boot_and_reach());
    const auto flows = [&] { return load.totals().ok >= before + 500; };
    ASSERT_TRUE(run_until(flows, 30s)) << guest_.last_words();
    guest_.kill();
  }
  ASSERT_TRUE(run_until([&] { return load.totals().unavailable > 0; }, 10s));
  load.stop();
  ASSERT_TRUE(run_until([&] { return load.under_way() == 0; }, 10s));
  const Load::Totals& totals = load.totals();
  std::printf(
      "life: %d reboots: %llu calls started, %llu ended, %llu OK, %llu UNAVAILABLE, %llu other, "
      "%llu wrong; slowest first call %lld ms after listening\n",
      kReboots, static_cast<unsigned long long>(totals.started),
      static_cast<unsigned long long>(totals.ended), static_cast<unsigned long long>(totals.ok),
      static_cast<unsigned long long>(totals.unavailable),
      static_cast<unsigned long long>(totals.other), static_cast<unsigned long long>(totals.wrong),
      static_cast<long long>(in_ms(slowest)));
  EXPECT_EQ(totals.started, totals.ended);
  EXPECT_EQ(totals.other, 0u);
  EXPECT_EQ(totals.wrong, 0u);
  EXPECT_GE(totals.ok, 500u * kReboots);
}

// The guest's client calls this host all the time; the host's server comes and goes.
TEST_F(VmLife, AHostServerThatRestarts) {
  constexpr int kRestarts = 10;
  boot();
  for (int restart = 0; restart < kRestarts; ++restart) {
    rpc::ServerOptions options;
    options.threads = 1;
    options.drain_timeout = restart % 2 == 0 ? Duration(5s) : Duration(0);
    rpc::Server server(options);
    server.dispatcher().add_unary<RawMessage, RawMessage>(
        "/vm.Life/Echo", [](rpc::ServerContext& context, RawMessage& request, RawMessage& reply) {
          EXPECT_EQ(context.peer().cid, kGuestCid);
          reply.bytes.swap(request.bytes);
          return grpc::Status{};
        });
    must(server.prepare());
    must(server.listen(vsock(net::kVsockCidAny, kHostPort)));
    server.start();
    const auto flows = [&] { return server.calls(StatusCode::kOk) >= 200; };
    ASSERT_TRUE(run_until(flows, restart == 0 ? kBootLimit : 20s)) << guest_.last_words();
    server.shut_down();
    server.wait();
  }
  std::istringstream report(ask("/vm.Life/Report"));
  uint64_t started = 0, ended = 0, ok = 0, unavailable = 0, other = 0, wrong = 0;
  report >> started >> ended >> ok >> unavailable >> other >> wrong;
  std::printf("life: %d restarts of the host's server: guest's calls: %s\n", kRestarts,
              report.str().c_str());
  EXPECT_GE(ok, 200u * kRestarts);
  EXPECT_LE(started - ended, 4u);  // those that wait for the next server
  EXPECT_EQ(other, 0u);
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace saker::vm
