// MuxHandshake: how a connection through Firecracker's or Cloud Hypervisor's vsock multiplexer
// begins. We send "CONNECT <port>\n" to its Unix socket, it answers "OK <its own port>\n" and
// passes bytes through from then on. It closes the connection instead if nobody listens in the
// guest, and stays silent while the guest boots, so the caller keeps a timer (Firecracker
// docs/vsock.md). Behind the OK line there may already be the peer's first bytes: not one is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "saker/base/result.h"

namespace saker::net {

class MuxHandshake {
 public:
  explicit MuxHandshake(uint32_t port) : port_(port) {}

  // On the connected socket, once.
  Result<void> send_request(int fd) const;
  // Whenever the socket is readable: true once the OK line has been read. Errors: ECONNRESET
  // (closed before the OK line; try again later), EPROTO (not a multiplexer).
  Result<bool> read_reply(int fd);

 private:
  Result<bool> check_line() const;

  uint32_t port_;
  std::string line_;
};

}  // namespace saker::net
