// Target: what a client talks to: one address, or several servers that are each as good.
//
//   host1:50051,host2:50051   unix:/run/a.sock,unix:/run/b.sock   dns:///a.example:1,b.example:1
//
// A comma inside a Unix path stays one where what follows it is no address.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saker/net/address.h"

namespace saker::net {

struct Target {
  Target() = default;
  // One address is a target.
  Target(Address address) : addresses{std::move(address)} {}

  std::vector<Address> addresses;  // not empty once parsed

  bool is_list() const { return addresses.size() > 1; }
  friend bool operator==(const Target&, const Target&) = default;
};

inline constexpr size_t kMaxTargetAddresses = 64;  // limit: addresses of one list

Result<Target> parse_target(std::string_view text);
// Canonical: parse_target(to_string(t)) == t.
std::string to_string(const Target& target);

}  // namespace saker::net
