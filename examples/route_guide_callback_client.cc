// route_guide_callback_client [ADDRESS]: calls by events. A call is an object that the caller owns;
// its events come on the loop of its channel. Nothing is allocated per call where the object is used
// again.
#include <cstdio>
#include <string>

#include "route_guide.h"
#include "route_guide.saker.h"
#include "saker/rpc/channel.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using routeguide::RouteGuideStub;

namespace {

// How many calls have not ended; main() drives the loop until none is left.
int open_calls = 0;
bool failed = false;

void note_end(const grpc::Status& status) {
  --open_calls;
  if (status.ok()) return;
  failed = true;
  std::fprintf(stderr, "%s\n", status.message.c_str());
}

class GetFeature final : public RouteGuideStub::GetFeatureCall {
  void on_done() override {
    if (status().ok()) std::printf("feature: %s\n", reply().name().c_str());
    note_end(status());
  }
};

class ListFeatures final : public RouteGuideStub::ListFeaturesCall {
  void on_writable() override { write(everywhere(), /*last=*/true); }
  void on_reply(routeguide::Feature& feature) override {
    std::printf("listed: %s\n", feature.name().c_str());
  }
  void on_done() override { note_end(status()); }
};

class RecordRoute final : public RouteGuideStub::RecordRouteCall {
  // Once when the call opens, and again whenever writable() has said no.
  void on_writable() override {
    while (sent_ < points_.size() && writable()) {
      write(points_[sent_], sent_ + 1 == points_.size());
      ++sent_;
    }
  }
  void on_reply(routeguide::RouteSummary& summary) override {
    std::printf("route: %d points, %d features\n", summary.point_count(), summary.feature_count());
  }
  void on_done() override { note_end(status()); }

  const std::vector<routeguide::Point> points_ = route();
  size_t sent_ = 0;
};

class RouteChat final : public RouteGuideStub::RouteChatCall {
  void on_writable() override {
    for (const routeguide::RouteNote& note : notes()) write(note);
    writes_done();
  }
  void on_reply(routeguide::RouteNote& note) override {
    std::printf("earlier: %s\n", note.message().c_str());
  }
  void on_done() override { note_end(status()); }
};

}  // namespace

int main(int argc, char** argv) {
  const auto target = saker::net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  const auto loop = saker::net::make_epoll_loop();
  if (!target || !loop) return 2;
  rpc::Channel channel(**loop, *target);

  GetFeature get_feature;
  get_feature.request() = route().front();
  ListFeatures list_features;
  RecordRoute record_route;
  RouteChat route_chat;
  open_calls = 4;  // all at once, on one connection
  get_feature.start(channel);
  list_features.start(channel);
  record_route.start(channel);
  route_chat.start(channel);
  while (open_calls != 0) (*loop)->run_once(saker::kNever);
  return failed ? 1 : 0;
}
