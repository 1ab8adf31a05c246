// What the route guide's clients share: points, and a route to walk.
#pragma once

#include <string>
#include <vector>

#include "route_guide.pb.h"

inline routeguide::Point point(int latitude, int longitude) {
  routeguide::Point made;
  made.set_latitude(latitude);
  made.set_longitude(longitude);
  return made;
}

inline routeguide::Rectangle everywhere() {
  routeguide::Rectangle made;
  *made.mutable_lo() = point(-900'000'000, -1'800'000'000);
  *made.mutable_hi() = point(900'000'000, 1'800'000'000);
  return made;
}

inline routeguide::RouteNote note(int latitude, int longitude, std::string message) {
  routeguide::RouteNote made;
  *made.mutable_location() = point(latitude, longitude);
  made.set_message(std::move(message));
  return made;
}

inline std::vector<routeguide::Point> route() {
  return {point(407838351, -746143763), point(1, 1), point(408122808, -743999179)};
}

inline std::vector<routeguide::RouteNote> notes() {
  return {note(0, 1, "first"), note(0, 2, "elsewhere"), note(0, 1, "second"), note(0, 1, "third")};
}
