// gRPC C++'s client of the interoperability tests:
// does the calls that the runner commands, over one channel.
//   grpc_interop_client --target ADDRESS
// Ends when stdin does; calls still open are cancelled.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>

#include "control_pipe.h"
#include "grpc_client_call.h"
#include "grpc_vsock.h"

namespace {

namespace v1 = saker::interop::v1;

class Session {
 public:
  explicit Session(const std::string& target)
      : stub_(interop::is_vsock(target)
                  ? interop::connect_vsock(target)
                  : grpc::CreateChannel(target, grpc::InsecureChannelCredentials())) {
    pipe_.send({});
  }

  // False: stdin has ended.
  bool obey_next() {
    v1::Command command;
    if (!pipe_.receive(command)) return false;
    if (command.what_case() == v1::Command::kStart) {
      start(command.start());
    } else if (const auto call = find(command.cancel())) {
      call->cancel();
    }
    return true;
  }

 private:
  void start(const v1::Call& spec) {
    const auto call = interop::DrivenCall::make(spec, [this](const v1::Outcome& outcome) {
      pipe_.send(outcome);
      const std::lock_guard lock(mutex_);
      calls_.erase(outcome.id());
    });
    {
      const std::lock_guard lock(mutex_);
      calls_.emplace(spec.id(), call);
    }
    call->start(stub_);
  }
  std::shared_ptr<interop::DrivenCall> find(uint32_t id) {
    const std::lock_guard lock(mutex_);
    const auto at = calls_.find(id);
    return at == calls_.end() ? nullptr : at->second;
  }

  saker::interop::ControlPipe pipe_;
  grpc::GenericStub stub_;
  std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<interop::DrivenCall>> calls_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--target") {
    std::fprintf(stderr, "usage: grpc_interop_client --target ADDRESS\n");
    return 2;
  }
  Session session(argv[2]);
  while (session.obey_next()) {
  }
  std::_Exit(0);  // gRPC's threads may still be inside calls that nobody waits for
}
