#include "saker/net/socket_options.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

#include "saker/net/tuning.h"

namespace saker::net {
namespace {

template <typename Value>
void try_set(int fd, int level, int option, const Value& value) {
  // An option that the kernel refuses costs speed, not correctness,
  // and old kernels do refuse some; hence no error.
  (void)setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

Result<Descriptor> make_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_errno("socket", errno);
  return Descriptor(fd);
}

Result<void> set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return fail_errno("fcntl", errno);
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return fail_errno("fcntl", errno);
  return {};
}

void set_stream_options(int fd, int family) {
  if (family == AF_INET || family == AF_INET6) try_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_keepalive(int fd) {
  try_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  try_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, tuning::kKeepaliveIdleSeconds);
  try_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, tuning::kKeepaliveIntervalSeconds);
  try_set(fd, IPPROTO_TCP, TCP_KEEPCNT, tuning::kKeepaliveProbes);
}

void set_listener_options(int fd, int family) {
  if (family != AF_INET && family != AF_INET6) return;
  try_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6) try_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

// The maximum bounds the size, so it comes first; both are 64 bits wide (vsock(7)).
void set_vsock_window(int fd, uint64_t window_bytes) {
  try_set(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, window_bytes);
  try_set(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, window_bytes);
}

void set_vsock_connect_timeout(int fd, Duration timeout) {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(
      std::clamp(timeout, Duration(std::chrono::milliseconds(1)), tuning::kVsockConnectTimeout));
  timeval value{};
  value.tv_sec = micros.count() / 1'000'000;
  value.tv_usec = micros.count() % 1'000'000;
  try_set(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, value);
}

int take_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace saker::net
