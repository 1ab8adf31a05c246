#include "saker/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace saker::net {
namespace {

constexpr size_t kMaxHostBytes = 253;  // RFC 1035 §2.3.4, in text form
constexpr size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr size_t kMaxShownBytes = 200;

// For messages: no control characters, not endless.
std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxShownBytes)) out += c >= ' ' && c != 0x7F ? c : '?';
  return out += text.size() > kMaxShownBytes ? "…\"" : "\"";
}

// What the parsers below share: the whole text, for messages,
// and an example of the form they parse.
struct Form {
  std::string_view text;
  std::string_view example;

  std::unexpected<Error> bad(const std::string& what) const {
    return fail("address " + shown(text) + ": " + what + "; write for example " +
                std::string(example));
  }
};

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_digits = !text.empty() && text[0] >= '0' && text[0] <= '9';
  if (!is_digits || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<uint32_t> parse_port(const Form& form, std::string_view text, uint32_t max) {
  if (text.empty()) return form.bad("the port is missing");
  const auto port = parse_number<uint32_t>(text);
  if (!port || *port > max) {
    return form.bad("port " + shown(text) + " is not a number from 0 to " + std::to_string(max));
  }
  return *port;
}

// The canonical text of a numeric IPv6 address (RFC 5952); a zone ("%eth0") stays as it is.
std::optional<std::string> canonical_ipv6(std::string_view text) {
  const size_t percent = std::min(text.find('%'), text.size());
  const std::string_view zone = text.substr(percent);
  if (zone.size() == 1 || zone.find_first_of("[]:/ ") != zone.npos) return std::nullopt;
  in6_addr binary;
  if (inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &binary) != 1) {
    return std::nullopt;
  }
  std::array<char, INET6_ADDRSTRLEN> out;
  inet_ntop(AF_INET6, &binary, out.data(), out.size());
  return std::string(out.data()).append(zone);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

Result<std::string> parse_host(const Form& form, std::string_view host) {
  if (host.size() > kMaxHostBytes) return form.bad("the host is longer than 253 bytes");
  if (const auto bad = std::ranges::find_if_not(host, is_name_character); bad != host.end()) {
    return form.bad("host " + shown(host) + " has the character " + shown({bad, bad + 1}));
  }
  in_addr ipv4;
  const bool looks_numeric = !host.empty() && host.find_first_not_of("0123456789.") == host.npos;
  if (looks_numeric && inet_pton(AF_INET, std::string(host).c_str(), &ipv4) != 1) {
    return form.bad("host " + shown(host) + " is not an IPv4 address");
  }
  return std::string(host);
}

Result<Address> parse_bracketed(const Form& form, std::string_view rest) {
  const size_t close = rest.find(']');
  if (close == rest.npos) return form.bad("the bracket is not closed");
  auto host = canonical_ipv6(rest.substr(1, close - 1));
  if (!host) return form.bad(shown(rest.substr(1, close - 1)) + " is not an IPv6 address");
  const std::string_view behind = rest.substr(close + 1);
  if (!behind.starts_with(':')) return form.bad("the port is missing");
  auto port = parse_port(form, behind.substr(1), 65535);
  if (!port) return std::unexpected(port.error());
  return Address{.host = std::move(*host), .port = *port};
}

Result<Address> parse_tcp(const Form& form, std::string_view rest) {
  if (rest.starts_with('[')) return parse_bracketed(form, rest);
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos) return form.bad("the port is missing");
  if (rest.find(':') != colon) return form.bad("an IPv6 address needs brackets");
  auto host = parse_host(form, rest.substr(0, colon));
  if (!host) return std::unexpected(host.error());
  auto port = parse_port(form, rest.substr(colon + 1), 65535);
  if (!port) return std::unexpected(port.error());
  return Address{.host = std::move(*host), .port = *port};
}

Result<Address> parse_dns(const Form& form, std::string_view rest) {
  if (!rest.starts_with('/')) return form.bad("a name server cannot be chosen");
  return parse_tcp(form, rest.substr(1));
}

// gRPC writes absolute paths with two slashes more ("unix:///path").
std::string_view without_authority(std::string_view rest) {
  while (rest.starts_with("//")) rest.remove_prefix(1);
  return rest;
}

Result<std::string> parse_path(const Form& form, std::string_view path) {
  if (path.empty()) return form.bad("the path is missing");
  if (path.size() > kMaxPathBytes) {
    return form.bad("the path has " + std::to_string(path.size()) + " bytes, the kernel takes " +
                    std::to_string(kMaxPathBytes));
  }
  if (path.find('\0') != path.npos) return form.bad("the path has a zero byte");
  return std::string(path);
}

Result<Address> parse_unix(const Form& form, std::string_view rest) {
  if (rest.starts_with("//") && !rest.starts_with("///")) {
    return form.bad("a Unix socket has no host");
  }
  auto path = parse_path(form, without_authority(rest));
  if (!path) return std::unexpected(path.error());
  return Address{.transport = Transport::kUnix, .path = std::move(*path)};
}

Result<Address> parse_abstract(const Form& form, std::string_view rest) {
  auto name = parse_path(form, rest);
  if (!name) return std::unexpected(name.error());
  return Address{.transport = Transport::kUnixAbstract, .path = std::move(*name)};
}

std::optional<uint32_t> parse_cid(std::string_view text) {
  if (text.empty() || text == "any" || text == "-1") return kVsockCidAny;
  if (text == "local") return kVsockCidLocal;
  if (text == "host") return kVsockCidHost;
  if (text == "hypervisor") return kVsockCidHypervisor;
  return parse_number<uint32_t>(text);
}

// Takes the option off the end; false: there is another than the one that exists.
bool take_to_host(std::string_view& rest, bool& to_host) {
  const size_t mark = rest.find('?');
  if (mark == rest.npos) return true;
  const std::string_view option = rest.substr(mark + 1);
  to_host = option == "to_host=1";
  rest = rest.substr(0, mark);
  return to_host || option == "to_host=0";
}

Result<Address> parse_vsock(const Form& form, std::string_view rest) {
  if (rest.starts_with("//")) rest.remove_prefix(2);
  bool to_host = false;
  if (!take_to_host(rest, to_host)) return form.bad("its only option is ?to_host=1");
  const size_t colon = rest.find(':');
  if (colon == rest.npos) return form.bad("the port is missing");
  const auto cid = parse_cid(rest.substr(0, colon));
  if (!cid) {
    return form.bad("CID " + shown(rest.substr(0, colon)) +
                    " is not a 32-bit number, any, local, host or hypervisor");
  }
  const std::string_view port_text = rest.substr(colon + 1);
  Address address{.transport = Transport::kVsock, .cid = *cid};
  address.to_host = to_host;
  address.port = kVsockPortAny;
  if (port_text == "any") return address;
  if (port_text.empty()) return form.bad("the port is missing");
  const auto port = parse_number<uint32_t>(port_text);
  if (!port) return form.bad("port " + shown(port_text) + " is not a 32-bit number or any");
  address.port = *port;
  return address;
}

Result<Address> parse_mux(const Form& form, std::string_view rest) {
  rest = without_authority(rest);
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos) return form.bad("the port is missing");
  if (!rest.starts_with('/')) return form.bad("the path does not start with /");
  auto path = parse_path(form, rest.substr(0, colon));
  if (!path) return std::unexpected(path.error());
  auto port = parse_port(form, rest.substr(colon + 1), kVsockPortAny - 1);
  if (!port) return std::unexpected(port.error());
  Address address{.transport = Transport::kVsockMux, .path = std::move(*path)};
  address.port = *port;
  return address;
}

Result<Address> parse_fd(const Form& form, std::string_view rest) {
  const auto fd = parse_number<int>(rest);
  if (!fd) return form.bad(shown(rest) + " is not a descriptor number");
  Address address{.transport = Transport::kFd};
  address.fd = *fd;
  return address;
}

Result<Address> parse_memory(const Form& form, std::string_view rest) {
  if (rest.empty()) return form.bad("the name is missing");
  return Address{.transport = Transport::kMemory, .path = std::string(rest)};
}

struct Scheme {
  std::string_view prefix;
  std::string_view example;
  Result<Address> (*parse)(const Form&, std::string_view rest);
};

constexpr std::string_view kTcpExample = "127.0.0.1:50051 or [::1]:50051";

constexpr auto kSchemes = std::to_array<Scheme>({
    {"tcp://", "tcp://example.org:50051 or tcp://[::1]:50051", parse_tcp},
    {"dns://", "dns:///example.org:50051", parse_dns},
    {"unix-abstract:", "unix-abstract:saker", parse_abstract},
    {"unix:", "unix:/run/saker.sock", parse_unix},
    {"vsock-mux:", "vsock-mux:/run/vm.sock:50051", parse_mux},
    {"hvsock://", "hvsock:///run/vm.sock:50051", parse_mux},
    {"vsock:", "vsock:2:50051", parse_vsock},
    {"fd:", "fd:3", parse_fd},
    {"memory://", "memory://name", parse_memory},
});

// A TCP host of this name would print as another scheme.
bool is_scheme_name(std::string_view host) {
  return std::ranges::any_of(kSchemes, [host](const Scheme& scheme) {
    return scheme.prefix.size() == host.size() + 1 && scheme.prefix.starts_with(host);
  });
}

std::string tcp_to_string(const Address& address) {
  const std::string port = ":" + std::to_string(address.port);
  if (address.host.find(':') != std::string::npos) return "[" + address.host + "]" + port;
  if (is_scheme_name(address.host)) return "tcp://" + address.host + port;
  return address.host + port;
}

std::string any_or_number(uint32_t number) {
  static_assert(kVsockCidAny == kVsockPortAny);
  return number == kVsockCidAny ? "any" : std::to_string(number);
}

}  // namespace

std::string_view transport_name(Transport transport) {
  switch (transport) {
    case Transport::kTcp:
      return "tcp";
    case Transport::kUnix:
    case Transport::kUnixAbstract:
      return "unix";
    case Transport::kVsock:
      return "vsock";
    case Transport::kVsockMux:
      return "vsock-mux";
    case Transport::kFd:
      return "fd";
    case Transport::kMemory:
      return "memory";
  }
  return "unknown";
}

Result<Address> parse_address(std::string_view text) {
  for (const Scheme& scheme : kSchemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    return scheme.parse(Form{text, scheme.example}, text.substr(scheme.prefix.size()));
  }
  const Form form{text, kTcpExample};
  if (text.empty()) return form.bad("it is empty");
  if (const size_t at = text.find("://"); at != text.npos) {
    return form.bad("the scheme " + shown(text.substr(0, at)) +
                    " is none of tcp, dns, unix, unix-abstract, vsock, vsock-mux, hvsock, fd");
  }
  return parse_tcp(form, text);
}

std::string to_string(const Address& address) {
  switch (address.transport) {
    case Transport::kTcp:
      return tcp_to_string(address);
    case Transport::kUnix:
      return "unix:" + address.path;
    case Transport::kUnixAbstract:
      return "unix-abstract:" + address.path;
    case Transport::kVsock:
      return "vsock:" + any_or_number(address.cid) + ":" + any_or_number(address.port) +
             (address.to_host ? "?to_host=1" : "");
    case Transport::kVsockMux:
      return "vsock-mux:" + address.path + ":" + std::to_string(address.port);
    case Transport::kFd:
      return "fd:" + std::to_string(address.fd);
    case Transport::kMemory:
      return "memory://" + address.path;
  }
  return {};
}

}  // namespace saker::net
