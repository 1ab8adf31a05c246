// route_guide_coroutine_client [ADDRESS]: the four kinds of call from coroutines on one loop.
#include <cstdio>
#include <string>

#include "route_guide.h"
#include "route_guide.saker.h"
#include "saker/rpc/awaitable_call.h"
#include "saker/rpc/client_stream.h"
#include "saker/rpc/run_task.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using namespace std::chrono_literals;
using routeguide::RouteGuideStub;

namespace {

rpc::Task<grpc::Status> get_feature(rpc::Channel& channel) {
  rpc::CallOptions options;
  options.deadline = saker::time_after(channel.loop().now(), 10s);
  auto [status, feature] =
      co_await rpc::call(channel, RouteGuideStub::get_feature_method(), route().front(), options);
  if (status.ok()) std::printf("feature: %s\n", feature.name().c_str());
  co_return status;
}

rpc::Task<grpc::Status> list_features(rpc::Channel& channel) {
  rpc::ClientStream stream(channel, RouteGuideStub::list_features_method());
  co_await stream.write(everywhere(), /*last=*/true);
  routeguide::Feature feature;
  while (co_await stream.read(feature)) std::printf("listed: %s\n", feature.name().c_str());
  co_return co_await stream.finish();
}

rpc::Task<grpc::Status> record_route(rpc::Channel& channel) {
  rpc::ClientStream stream(channel, RouteGuideStub::record_route_method());
  for (const routeguide::Point& point : route()) {
    if (!co_await stream.write(point)) break;  // the server has ended the call: finish() tells why
  }
  co_await stream.writes_done();
  routeguide::RouteSummary summary;
  if (co_await stream.read(summary)) {
    std::printf("route: %d points, %d features\n", summary.point_count(), summary.feature_count());
  }
  co_return co_await stream.finish();
}

rpc::Task<grpc::Status> route_chat(rpc::Channel& channel) {
  rpc::ClientStream stream(channel, RouteGuideStub::route_chat_method());
  for (const routeguide::RouteNote& note : notes()) co_await stream.write(note);
  co_await stream.writes_done();
  routeguide::RouteNote reply;
  while (co_await stream.read(reply)) std::printf("earlier: %s\n", reply.message().c_str());
  co_return co_await stream.finish();
}

// A stream that is cancelled while it waits ends with CANCELLED.
rpc::Task<grpc::Status> hang_up(rpc::Channel& channel) {
  rpc::ClientStream stream(channel, RouteGuideStub::route_chat_method());
  co_await stream.write(notes().front());
  stream.cancel();
  const grpc::Status status = co_await stream.finish();
  std::printf("cancelled: %s\n", std::string(grpc::status_code_name(status.code)).c_str());
  co_return grpc::Status{};
}

rpc::Task<grpc::Status> all(rpc::Channel& channel) {
  for (auto* part : {&get_feature, &list_features, &record_route, &route_chat, &hang_up}) {
    const auto status = co_await part(channel);  // nothing: an exception left the task
    if (!status) co_return grpc::Status{grpc::StatusCode::kInternal, "an exception", {}};
    if (!status->ok()) co_return *status;
  }
  co_return grpc::Status{};
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = saker::net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  const auto loop = saker::net::make_epoll_loop();
  if (!target || !loop) return 2;
  rpc::Channel channel(**loop, *target);
  const auto status = rpc::run_task(**loop, all(channel));
  if (status && status->ok()) return 0;
  std::fprintf(stderr, "%s\n", status ? status->message.c_str() : "an exception");
  return 1;
}
