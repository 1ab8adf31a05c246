// Saker's client of the interoperability tests:
// does the calls that the runner commands, over one channel.
//   saker_interop_client --target ADDRESS
// The loop runs on the main thread; a second one reads commands
// and posts them. Ends when stdin does.
#include <signal.h>

#include <cstdio>
#include <map>
#include <string_view>
#include <thread>

#include "control_pipe.h"
#include "saker_client_call.h"

namespace {

using saker::interop::ControlPipe;
using saker::interop::DrivenCall;
namespace v1 = saker::interop::v1;

// All on the loop's thread.
class Session {
 public:
  Session(saker::net::Loop& loop, const saker::net::Address& target, ControlPipe& pipe)
      : channel_(loop, target), pipe_(pipe) {
    pipe_.send({});
  }

  void obey(const v1::Command& command) {
    if (command.what_case() == v1::Command::kStart) return start(command.start());
    const auto call = calls_.find(command.cancel());
    if (call != calls_.end()) call->second->cancel();
  }

 private:
  void start(const v1::Call& spec) {
    auto call = DrivenCall::make(spec, [this](DrivenCall& done) {
      pipe_.send(done.outcome());
      calls_.erase(done.id());
    });
    DrivenCall& started = *call;
    calls_.emplace(spec.id(), std::move(call));
    started.start(channel_);
  }

  saker::rpc::Channel channel_;
  ControlPipe& pipe_;
  std::map<uint32_t, std::unique_ptr<DrivenCall>> calls_;
};

struct CommandTask final : saker::net::PostedTask {
  CommandTask(Session& owner, v1::Command text) : session(owner), command(std::move(text)) {}
  void run() override {
    session.obey(command);
    delete this;
  }
  Session& session;
  v1::Command command;
};

int run(const saker::net::Address& target) {
  auto loop = saker::net::make_epoll_loop();
  if (!loop) {
    std::fprintf(stderr, "saker_interop_client: %s\n", loop.error().message.c_str());
    return 2;
  }
  ControlPipe pipe;
  {
    Session session(**loop, target, pipe);
    std::thread reader([&] {
      v1::Command command;
      while (pipe.receive(command)) (*loop)->post(*new CommandTask(session, command));
      (*loop)->stop();
    });
    (*loop)->run();
    reader.join();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--target") {
    std::fprintf(stderr, "usage: saker_interop_client --target ADDRESS\n");
    return 2;
  }
  const auto target = saker::net::parse_address(argv[2]);
  if (!target) {
    std::fprintf(stderr, "saker_interop_client: %s\n", target.error().message.c_str());
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  return run(*target);
}
