// route_guide_server [ADDRESS]: one handler of each kind. Streaming handlers are coroutines on the
// loop of their connection; what two loops share needs a lock, or is immutable like the features.
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "route_guide.saker.h"
#include "run_server.h"
#include "saker/rpc/sleep.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using namespace std::chrono_literals;
using routeguide::Feature;
using routeguide::Point;
using routeguide::Rectangle;
using routeguide::RouteNote;
using routeguide::RouteSummary;

namespace {

Feature feature(std::string name, int latitude, int longitude) {
  Feature made;
  made.set_name(std::move(name));
  made.mutable_location()->set_latitude(latitude);
  made.mutable_location()->set_longitude(longitude);
  return made;
}

bool is_within(const Point& point, const Rectangle& area) {
  return point.latitude() >= area.lo().latitude() && point.latitude() <= area.hi().latitude() &&
         point.longitude() >= area.lo().longitude() && point.longitude() <= area.hi().longitude();
}

class RouteGuide {
 public:
  // Unary, inline: for work of microseconds.
  grpc::Status get_feature(rpc::ServerContext&, Point& point, Feature& reply) {
    reply = feature_at(point);
    return {};
  }

  // Server streaming: a write that the client does not take yet suspends.
  rpc::Task<grpc::Status> list_features(rpc::ServerContext& context, Rectangle& area,
                                        rpc::Writer<Feature>& replies) {
    for (const Feature& feature : features_) {
      if (!is_within(feature.location(), area)) continue;
      if (!co_await rpc::sleep_for(context, 1ms)) break;  // false: the call was cancelled
      if (!co_await replies.write(feature)) break;        // false: the call is over
    }
    co_return grpc::Status{};
  }

  // Client streaming: one reply when the client has finished.
  rpc::Task<grpc::Status> record_route(rpc::ServerContext&, rpc::Reader<Point>& points,
                                       RouteSummary& summary) {
    Point point;
    while (co_await points.read(point)) {
      summary.set_point_count(summary.point_count() + 1);
      if (!feature_at(point).name().empty()) summary.set_feature_count(summary.feature_count() + 1);
    }
    co_return grpc::Status{};
  }

  // Bidirectional: reads and writes in any order.
  rpc::Task<grpc::Status> route_chat(rpc::ServerContext&, rpc::Reader<RouteNote>& notes,
                                     rpc::Writer<RouteNote>& replies) {
    RouteNote note;
    while (co_await notes.read(note)) {
      for (const RouteNote& earlier : exchange(note)) {
        if (!co_await replies.write(earlier)) co_return grpc::Status{};
      }
    }
    co_return grpc::Status{};
  }

 private:
  Feature feature_at(const Point& point) const {
    for (const Feature& feature : features_) {
      if (feature.location().latitude() == point.latitude() &&
          feature.location().longitude() == point.longitude()) {
        return feature;
      }
    }
    Feature nothing;
    *nothing.mutable_location() = point;
    return nothing;
  }

  // Leaves a note and takes those that lay there: from any loop, never across a co_await.
  std::vector<RouteNote> exchange(const RouteNote& note) {
    const std::lock_guard lock(mutex_);
    auto& here = notes_[{note.location().latitude(), note.location().longitude()}];
    std::vector<RouteNote> earlier = here;
    here.push_back(note);
    return earlier;
  }

  const std::vector<Feature> features_ = {
      feature("Patriots Path, Mendham, NJ 07945, USA", 407838351, -746143763),
      feature("101 New Jersey 10, Whippany, NJ 07981, USA", 408122808, -743999179),
      feature("U.S. 6, Shohola, PA 18458, USA", 413628156, -749015468),
  };
  std::mutex mutex_;
  std::map<std::pair<int, int>, std::vector<RouteNote>> notes_;
};

}  // namespace

int main(int argc, char** argv) {
  rpc::Server server({});
  RouteGuide guide;
  routeguide::register_route_guide(server.dispatcher(), guide);
  return run_server(server, argc > 1 ? argv[1] : "127.0.0.1:50051");
}
