#include "saker/net/failure_text.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace saker::net {
namespace {

constexpr std::string_view kNobody = "nobody listens there";
constexpr std::string_view kNoAnswer = "no answer in time";

std::string_view unix_cause(int error) {
  return error == ECONNREFUSED || error == ENOENT ? kNobody : std::string_view();
}

std::string_view vsock_cause(int error) {
  switch (error) {
    case ECONNRESET:
      return kNobody;
    case ENODEV:
      return "no such virtual machine, or this kernel has no VSOCK device";
    case ETIMEDOUT:
      return "no answer in time; the virtual machine is not up yet, or there is none";
    default:
      return {};
  }
}

// The connection to the multiplexer itself; whether anybody listens behind it comes later.
std::string_view multiplexer_cause(int error) {
  return error == ECONNREFUSED || error == ENOENT ? "no multiplexer listens there"
                                                  : std::string_view();
}

std::string_view cause(Transport transport, int error) {
  switch (transport) {
    case Transport::kUnix:
    case Transport::kUnixAbstract:
      return unix_cause(error);
    case Transport::kVsock:
      return vsock_cause(error);
    case Transport::kVsockMux:
      return multiplexer_cause(error);
    default:
      return error == ECONNREFUSED ? kNobody : error == ETIMEDOUT ? kNoAnswer : std::string_view();
  }
}

}  // namespace

bool begins_tls(Bytes first) {
  constexpr uint8_t kAlert = 21;
  constexpr uint8_t kHandshake = 22;
  constexpr uint8_t kMajorVersion = 3;
  if (first.empty() || (first[0] != kAlert && first[0] != kHandshake)) return false;
  return first.size() < 2 || first[1] == kMajorVersion;
}

std::string not_tls_text(std::string_view peer, Bytes first) {
  const std::string_view text = as_text(first);
  // A client's preface, or a server's SETTINGS frame (RFC 9113 sections 3.4 and 6.5).
  constexpr uint8_t kSettings = 4;
  constexpr size_t kTypeAt = 3;
  const bool is_settings = first.size() > kTypeAt && first[0] == 0 && first[kTypeAt] == kSettings;
  std::string out(peer);
  if (text.starts_with("PRI") || is_settings) return out + " speaks HTTP/2 without TLS";
  constexpr std::string_view kHttp1[] = {"GET ", "POST", "HEAD", "PUT ", "OPTI", "CONN", "HTTP"};
  const bool is_http1 =
      std::ranges::any_of(kHttp1, [&](std::string_view word) { return text.starts_with(word); });
  return out + (is_http1 ? " speaks HTTP/1 without TLS" : " does not speak TLS");
}

std::string unexpected_tls_text(std::string_view peer) {
  return std::string(peer) + " speaks TLS, and this end does not";
}

std::string end_text(int system_error) {
  const bool is_close = system_error == 0 || system_error == ECONNRESET || system_error == EPIPE;
  return is_close ? "closed by the peer" : std::generic_category().message(system_error);
}

std::string connect_error_text(Transport transport, int system_error) {
  const std::string words = std::generic_category().message(system_error);
  const std::string_view why = cause(transport, system_error);
  if (why.empty()) return "connect: " + words;
  return std::string(why) + " (" + words + ")";
}

}  // namespace saker::net
