#include "saker/services/crypto/policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "saker/rpc/peer_identity.h"

namespace saker::crypto {
namespace {

constexpr std::string_view kSpiffe = "spiffe://";
constexpr std::string_view kDns = "dns:";
constexpr std::string_view kMux = "vsock-mux:";
constexpr std::string_view kIp = "ip:";

std::optional<uint64_t> whole_number(std::string_view text, uint64_t highest) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > highest)
    return std::nullopt;
  return number;
}

// 4 or 16 bytes; none where the text is no address.
std::vector<uint8_t> address_bytes(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return {};
  std::memcpy(copy, text.data(), text.size());
  uint8_t bytes[16];
  if (::inet_pton(AF_INET, copy, bytes) == 1) return {bytes, bytes + 4};
  if (::inet_pton(AF_INET6, copy, bytes) != 1) return {};
  // An IPv4 peer of a dual-stack listener (RFC 4291 section 2.5.5.2).
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) return {bytes + 12, bytes + 16};
  return {bytes, bytes + 16};
}

bool same_prefix(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b, unsigned bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

// Only on a Unix socket is the process that the kernel tells of the one that asks.
bool has_credentials(const net::Peer& peer) {
  return peer.uid >= 0 && (peer.transport == net::Transport::kUnix ||
                           peer.transport == net::Transport::kUnixAbstract);
}

// The names in the peer's verified certificate; none without one.
struct CertificateNames {
  std::span<const std::string> uris;
  std::span<const std::string> dns;
};
CertificateNames certificate_names(const net::Peer& peer) {
  if (peer.identity == nullptr) return {};
  return {peer.identity->uris, peer.identity->dns};
}

}  // namespace

std::optional<Operation> parse_operation(std::string_view text) {
  constexpr std::pair<std::string_view, Operation> kOperations[] = {{"list", Operation::kList},
                                                                    {"get", Operation::kGet},
                                                                    {"sign", Operation::kSign},
                                                                    {"verify", Operation::kVerify}};
  for (const auto& [name, operation] : kOperations) {
    if (name == text) return operation;
  }
  return std::nullopt;
}

// ---- who

Result<CallerPattern> CallerPattern::parse(std::string_view text) {
  CallerPattern pattern;
  if (text == "any") return pattern;
  if (text.starts_with(kSpiffe) || text.starts_with(kDns)) {
    const bool is_dns = text.starts_with(kDns);
    pattern.kind_ = is_dns ? Kind::kDns : Kind::kUri;
    pattern.name_ = is_dns ? text.substr(kDns.size()) : text;
    return pattern;
  }
  if (text.starts_with(kMux)) {
    pattern.kind_ = Kind::kMux;
    pattern.name_ = text;
    return pattern;
  }
  const auto bad = [&] {
    return fail_in_one_line(
        "'" + std::string(text) +
        "' is none of any, uid:N, gid:N, cid:N, ip:ADDRESS[/BITS], vsock-mux:/PATH:PORT, "
        "spiffe://…, dns:…");
  };
  if (text.starts_with(kIp)) {
    const std::string_view rest = text.substr(kIp.size());
    const size_t slash = rest.find('/');
    pattern.kind_ = Kind::kIp;
    pattern.address_ = address_bytes(rest.substr(0, slash));
    const uint64_t most = 8 * pattern.address_.size();
    const auto bits = slash == rest.npos ? most : whole_number(rest.substr(slash + 1), most);
    if (most == 0 || !bits) return bad();
    pattern.prefix_bits_ = static_cast<unsigned>(*bits);
    return pattern;
  }
  constexpr std::pair<std::string_view, Kind> kNumbered[] = {
      {"uid:", Kind::kUid}, {"gid:", Kind::kGid}, {"cid:", Kind::kCid}};
  for (const auto& [prefix, kind] : kNumbered) {
    if (!text.starts_with(prefix)) continue;
    const auto number = whole_number(text.substr(prefix.size()), UINT32_MAX);
    if (!number) return bad();
    pattern.kind_ = kind;
    pattern.number_ = *number;
    return pattern;
  }
  return bad();
}

bool CallerPattern::matches(const net::Peer& peer) const {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kUid:
      return has_credentials(peer) && static_cast<uint64_t>(peer.uid) == number_;
    case Kind::kGid:
      return has_credentials(peer) && static_cast<uint64_t>(peer.gid) == number_;
    case Kind::kCid:
      return peer.transport == net::Transport::kVsock && peer.cid == number_;
    case Kind::kIp:
      return matches_ip(peer);
    case Kind::kMux:
      return peer.transport == net::Transport::kVsockMux && matches_glob(name_, peer.name);
    case Kind::kUri:
      return any_matches(certificate_names(peer).uris);
    case Kind::kDns:
      return any_matches(certificate_names(peer).dns);
  }
  return false;
}

bool CallerPattern::any_matches(std::span<const std::string> names) const {
  return std::ranges::any_of(names,
                             [&](const std::string& name) { return matches_glob(name_, name); });
}

bool CallerPattern::matches_ip(const net::Peer& peer) const {
  const auto address = address_bytes(ip_of(peer));
  return address.size() == address_.size() && same_prefix(address, address_, prefix_bits_);
}

std::string_view ip_of(const net::Peer& peer) {
  std::string_view name = peer.name;
  const size_t colon = name.rfind(':');
  if (colon == name.npos) return {};
  if (name.starts_with("ipv4:") && colon > 5) return name.substr(5, colon - 5);
  if (name.starts_with("ipv6:[") && colon > 7) return name.substr(6, colon - 7);
  return {};
}

std::string identity_of(const net::Peer& peer) {
  const CertificateNames names = certificate_names(peer);
  if (!names.uris.empty()) return names.uris.front();
  if (!names.dns.empty()) return std::string(kDns) + names.dns.front();
  if (has_credentials(peer)) return "uid:" + std::to_string(peer.uid);
  if (peer.transport == net::Transport::kVsock) return "cid:" + std::to_string(peer.cid);
  if (peer.transport == net::Transport::kVsockMux) return peer.name;
  const std::string_view ip = ip_of(peer);
  return ip.empty() ? "unknown" : "ip:" + std::string(ip);
}

// ---- what

// Linear in the product of the two lengths at worst: the last star alone is gone back to.
bool matches_glob(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t star = pattern.npos;
  size_t star_text = 0;
  for (size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_text = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
      ++at;
      ++i;
    } else if (star != pattern.npos) {
      at = star + 1;
      i = ++star_text;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

const PolicyRule* Policy::find(const net::Peer& peer, std::string_view key,
                               Operation operation) const {
  for (const PolicyRule& rule : rules_) {
    if ((rule.operations & static_cast<unsigned>(operation)) == 0) continue;
    const auto is_key = [&](const std::string& glob) { return matches_glob(glob, key); };
    const auto is_caller = [&](const CallerPattern& caller) { return caller.matches(peer); };
    if (std::ranges::any_of(rule.keys, is_key) && std::ranges::any_of(rule.callers, is_caller))
      return &rule;
  }
  return nullptr;
}

}  // namespace saker::crypto
