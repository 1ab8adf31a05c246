#include "saker/net/mux_handshake.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "saker/net/tuning.h"

namespace saker::net {
namespace {

constexpr std::string_view kOk = "OK ";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Result<void> MuxHandshake::send_request(int fd) const {
  const std::string line = "CONNECT " + std::to_string(port_) + "\n";
  const ssize_t sent = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
  if (sent < 0) return fail_errno("vsock multiplexer", errno);
  // A new socket's empty buffer takes a line whole.
  if (static_cast<size_t>(sent) != line.size()) return fail("vsock multiplexer: short write", EIO);
  return {};
}

// Looks first, and then takes no more than belongs to the line: up to the newline,
// or all there is if it has none yet.
Result<bool> MuxHandshake::read_reply(int fd) {
  std::array<char, tuning::kMuxReplyBytes> seen;
  const ssize_t size = ::recv(fd, seen.data(), seen.size() - line_.size(), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0) return fail_errno("vsock multiplexer", errno);
  if (size == 0) {
    return fail("nobody listens there (the vsock multiplexer closed the connection)", ECONNRESET);
  }
  const auto end = seen.begin() + size;
  const auto newline = std::find(seen.begin(), end, '\n');
  const auto wanted = (newline == end ? end : newline + 1) - seen.begin();
  const ssize_t taken = ::recv(fd, seen.data(), static_cast<size_t>(wanted), 0);
  if (taken != wanted) return fail("vsock multiplexer: lost bytes that it had sent", EIO);
  line_.append(seen.data(), static_cast<size_t>(taken));
  if (line_.ends_with('\n')) return check_line();
  if (line_.size() == seen.size()) return check_line();
  return false;
}

Result<bool> MuxHandshake::check_line() const {
  const bool is_ok = line_.size() > kOk.size() + 1 && line_.starts_with(kOk) &&
                     line_.ends_with('\n') &&
                     std::all_of(line_.begin() + kOk.size(), line_.end() - 1, is_digit);
  if (is_ok) return true;
  return fail("vsock multiplexer: answered \"" + printable(line_) + "\" instead of OK and a port",
              EPROTO);
}

}  // namespace saker::net
