#include "saker/net/failure_text.h"

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
