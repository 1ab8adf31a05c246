#include "saker/net/target.h"

#include <algorithm>

namespace saker::net {
namespace {

// Where the next address of the list may begin, from `from` on.
size_t next_comma(std::string_view text, size_t from) {
  return std::min(text.find(',', from), text.size());
}

bool may_have_comma(std::string_view text) {
  return text.starts_with("unix:") || text.starts_with("unix-abstract:") ||
         text.starts_with("vsock-mux:") || text.starts_with("hvsock://");
}

// How much of `text` is its first address: up to a comma that another address follows.
size_t first_address_bytes(std::string_view text) {
  size_t end = next_comma(text, 0);
  if (!may_have_comma(text)) return end;
  while (end < text.size()) {
    const std::string_view rest = text.substr(end + 1);
    if (parse_address(rest.substr(0, next_comma(rest, 0)))) break;
    end = next_comma(text, end + 1);
  }
  return end;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  Target target;
  for (std::string_view rest = text;;) {
    const size_t bytes = first_address_bytes(rest);
    auto address = parse_address(rest.substr(0, bytes));
    if (!address) return std::unexpected(std::move(address.error()));
    if (std::ranges::find(target.addresses, *address) != target.addresses.end()) {
      return fail("address \"" + to_string(*address) + "\" is twice in the list");
    }
    target.addresses.push_back(*std::move(address));
    if (target.addresses.size() > kMaxTargetAddresses) {
      return fail("a list has " + std::to_string(kMaxTargetAddresses) + " addresses at most");
    }
    if (bytes == rest.size()) return target;
    rest = rest.substr(bytes + 1);
  }
}

std::string to_string(const Target& target) {
  std::string text;
  for (const Address& address : target.addresses) {
    if (!text.empty()) text += ',';
    text += to_string(address);
  }
  return text;
}

}  // namespace saker::net
