// Makes connections that each carry a few calls with the heads that gRPC C++ sends, then rest: for
// measuring what an idle connection costs the server.
//   idle_connections TARGET CONNECTIONS CALLS SECONDS [CA]
// CA: the file of a certificate authority; with it, TLS. Prints "idle" when all calls are done, keeps the connections for SECONDS, then closes them.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/unary_client_call.h"

namespace {

using namespace saker;
using echo::v1::EchoReply;
using echo::v1::EchoRequest;
using Call = rpc::CallbackCall<EchoRequest, EchoReply>;

// One connection and its calls, one after the other.
class Resting {
 public:
  Resting(net::Loop& loop, const net::Address& target, const rpc::ChannelOptions& options,
          const grpc::Metadata& heads, int calls)
      : channel_(loop, target, options),
        heads_(heads),
        left_(calls),
        call_([this](Call&) { next(); }) {
    call_.request().set_payload("0123456789abcdef");
    next();
  }
  bool done() const { return left_ < 0; }
  bool failed() const { return failed_; }

 private:
  void next() {
    failed_ = failed_ || !call_.status().ok();
    if (failed_ || left_-- == 0) {
      left_ = -1;
      return;
    }
    static const rpc::ClientMethod echo("/saker.echo.v1.Echo/Echo");
    call_.start(channel_, echo, {.wait_for_ready = true, .metadata = &heads_});
  }

  rpc::Channel channel_;
  const grpc::Metadata& heads_;
  int left_;
  bool failed_ = false;
  Call call_;
};

Result<tls::ClientContext> trust(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return tls::ClientContext::make({.ca = {text.str(), path}});
}

Result<rpc::ChannelOptions> channel_options(const char* ca) {
  rpc::ChannelOptions options;
  options.user_agent = "grpc-c++/1.51.1 grpc-c/29.0.0 (linux; chttp2)";
  if (ca == nullptr) return options;
  auto context = trust(ca);
  if (!context) return std::unexpected(context.error());
  options.tls = *std::move(context);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: idle_connections TARGET CONNECTIONS CALLS SECONDS [CA]\n");
    return 2;
  }
  const auto target = net::parse_address(argv[1]);
  auto loop = net::make_epoll_loop();
  const auto options = channel_options(argc == 6 ? argv[5] : nullptr);
  if (!target || !loop || !options) return 2;
  const long connections = std::strtol(argv[2], nullptr, 10);
  grpc::Metadata heads;
  (void)heads.add_received("grpc-accept-encoding", "identity, deflate, gzip");
  std::vector<std::unique_ptr<Resting>> all;
  bool failed = false;
  for (long index = 0; index < connections && !failed; ++index) {
    all.push_back(std::make_unique<Resting>(**loop, *target, *options, heads, std::atoi(argv[3])));
    while (!all.back()->done()) (*loop)->run_once((*loop)->read_clock() + std::chrono::seconds(1));
    failed = all.back()->failed();
  }
  if (failed) return 1;
  std::printf("idle\n");
  std::fflush(stdout);
  const Time end = (*loop)->read_clock() + std::chrono::seconds(std::strtol(argv[4], nullptr, 10));
  while ((*loop)->read_clock() < end) (*loop)->run_once(end);
}
