// route_guide_blocking_client [ADDRESS]: calls that wait, from a thread that has no loop. Unary ones
// are a function; a stream is an object whose events come while its caller waits: on the thread that
// drives the client then, which with several callers may be another one.
#include <cstdio>
#include <string>

#include "route_guide.h"
#include "route_guide.saker.h"
#include "saker/rpc/blocking_client.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using namespace std::chrono_literals;
using routeguide::RouteGuideStub;

namespace {

grpc::Status get_feature(rpc::BlockingClient& client) {
  routeguide::Feature feature;
  const grpc::Status status = RouteGuideStub(client).get_feature(route().front(), feature);
  if (status.ok()) std::printf("feature: %s\n", feature.name().c_str());
  return status;
}

// Everything but on_done(), which ends the waiting.
class ListFeatures : public RouteGuideStub::ListFeaturesCall {
  void on_writable() override { write(everywhere(), /*last=*/true); }
  void on_reply(routeguide::Feature& feature) override {
    std::printf("listed: %s\n", feature.name().c_str());
  }
};

class RecordRoute : public RouteGuideStub::RecordRouteCall {
  void on_writable() override {
    while (sent_ < points_.size() && writable()) {
      write(points_[sent_], sent_ + 1 == points_.size());
      ++sent_;
    }
  }
  void on_reply(routeguide::RouteSummary& summary) override {
    std::printf("route: %d points, %d features\n", summary.point_count(), summary.feature_count());
  }

  const std::vector<routeguide::Point> points_ = route();
  size_t sent_ = 0;
};

class RouteChat : public RouteGuideStub::RouteChatCall {
  void on_writable() override {
    for (const routeguide::RouteNote& note : notes()) write(note);
    writes_done();
  }
  void on_reply(routeguide::RouteNote& note) override {
    std::printf("earlier: %s\n", note.message().c_str());
  }
};

template <typename Stream>
grpc::Status wait_for(rpc::BlockingClient& client, const rpc::ClientMethod& method) {
  rpc::BlockingClient::Waiting<Stream> stream;
  rpc::BlockingContext context;
  context.timeout = 10s;  // of the whole stream
  client.run(stream, stream.waiter, method, context);
  return stream.status();
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = saker::net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  if (!target) return 2;
  const auto client = rpc::BlockingClient::create(*target);
  if (!client) return 2;
  const grpc::Status ends[] = {
      get_feature(**client),
      wait_for<ListFeatures>(**client, RouteGuideStub::list_features_method()),
      wait_for<RecordRoute>(**client, RouteGuideStub::record_route_method()),
      wait_for<RouteChat>(**client, RouteGuideStub::route_chat_method()),
  };
  for (const grpc::Status& status : ends) {
    if (status.ok()) continue;
    std::fprintf(stderr, "%s\n", status.message.c_str());
    return 1;
  }
  return 0;
}
