#include "saker/net/listen_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "saker/net/socket_address.h"
#include "saker/net/socket_options.h"

namespace saker::net {
namespace {

std::string path_of(const SocketAddress& address) {
  return address_of(address).path;
}

bool has_path(const Address& address) {
  return address.transport == Transport::kUnix || address.transport == Transport::kVsockMux;
}

// What connect() says to the socket file of a server that is gone. Anything else, a full backlog or
// a lack of permission included, may be a live server.
Result<bool> is_stale(const SocketAddress& address) {
  struct stat status;
  if (lstat(path_of(address).c_str(), &status) != 0) return errno == ENOENT;
  if (!S_ISSOCK(status.st_mode))
    return fail_errno("a file that is not a socket is in the way", EADDRINUSE);
  auto probe = make_socket(AF_UNIX);
  if (!probe) return std::unexpected(probe.error());
  const int result = ::connect(probe->get(), address.get(), address.size);
  return result != 0 && errno == ECONNREFUSED;
}

Result<void> bind_path(int fd, const SocketAddress& address) {
  if (::bind(fd, address.get(), address.size) == 0) return {};
  if (errno != EADDRINUSE) return fail_errno("bind", errno);
  auto stale = is_stale(address);
  if (!stale) return std::unexpected(stale.error());
  if (!*stale) return fail_errno("a live server answers there", EADDRINUSE);
  if (::unlink(path_of(address).c_str()) != 0 && errno != ENOENT) {
    return fail_errno("removing the stale socket", errno);
  }
  if (::bind(fd, address.get(), address.size) != 0) return fail_errno("bind", errno);
  return {};
}

// A socket file gets the mode of its socket's inode, minus the umask: setting that first means that
// the file never grants more than it should. chmod() then adds what the umask took away.
Result<void> bind_unix(int fd, const SocketAddress& address, uint32_t mode, BoundPath& bound) {
  if (fchmod(fd, mode) != 0) return fail_errno("fchmod", errno);
  if (auto result = bind_path(fd, address); !result) return result;
  const std::string path = path_of(address);
  bound = BoundPath(path);
  if (chmod(path.c_str(), mode) != 0) return fail_errno("chmod", errno);
  return {};
}

Result<ListenSocket> open_one(const Address& address, const SocketAddress& at,
                              const ListenOptions& options) {
  ListenSocket out;
  auto fd = make_socket(at.family());
  if (!fd) return std::unexpected(fd.error());
  out.fd = std::move(*fd);
  set_listener_options(out.fd.get(), at.family());
  if (at.family() == AF_VSOCK) set_vsock_window(out.fd.get(), options.vsock_window_bytes);
  if (has_path(address)) {
    auto bound = bind_unix(out.fd.get(), at, options.unix_mode, out.path);
    if (!bound) return std::unexpected(bound.error());
  } else if (::bind(out.fd.get(), at.get(), at.size) != 0) {
    return fail_errno("bind", errno);
  }
  if (::listen(out.fd.get(), options.backlog) != 0) return fail_errno("listen", errno);
  out.address = address;
  if (at.family() != AF_UNIX) {
    auto local = local_address(out.fd.get());
    if (!local) return std::unexpected(local.error());
    out.address.port = address_of(*local).port;
  }
  return out;
}

Result<ListenSocket> take_over(const Address& address, const ListenOptions& options) {
  ListenSocket out;
  int is_listening = 0;
  socklen_t size = sizeof is_listening;
  if (getsockopt(address.fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0) {
    return fail_errno("not a socket", errno);
  }
  if (is_listening == 0) return fail("the socket does not listen", EINVAL);
  if (auto set = set_nonblocking(address.fd); !set) return std::unexpected(set.error());
  auto local = local_address(address.fd);
  if (!local) return std::unexpected(local.error());
  if (local->family() == AF_VSOCK) set_vsock_window(address.fd, options.vsock_window_bytes);
  out.address = address_of(*local);
  out.fd = Descriptor(address.fd);
  return out;
}

std::unexpected<Error> named(const Address& address, Error error) {
  error.message = "listen on " + to_string(address) + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace

BoundPath::BoundPath(std::string path) : path_(std::move(path)) {
  struct stat status;
  if (lstat(path_.c_str(), &status) != 0) {
    path_.clear();
    return;
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

BoundPath::BoundPath(BoundPath&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

BoundPath& BoundPath::operator=(BoundPath&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void BoundPath::remove() {
  if (path_.empty()) return;
  struct stat status;
  const bool is_ours =
      lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  // If it cannot be removed, it is a stale socket like any other.
  if (is_ours) (void)::unlink(path_.c_str());
  path_.clear();
}

Result<ListenSocket> open_listen_socket(const Address& address, const ListenOptions& options) {
  if (address.transport == Transport::kFd) {
    auto taken = take_over(address, options);
    if (!taken) return named(address, std::move(taken.error()));
    return taken;
  }
  auto candidates = socket_addresses(address, Purpose::kListen);
  if (!candidates) return named(address, std::move(candidates.error()));
  Error error;
  for (const SocketAddress& at : *candidates) {
    auto opened = open_one(address, at, options);
    if (opened) return opened;
    error = std::move(opened.error());
    // Another of the host's addresses may do if this one's family or interface
    // is missing, but not if it is taken.
    const bool is_missing =
        error.system_error == EAFNOSUPPORT || error.system_error == EADDRNOTAVAIL;
    if (!is_missing) break;
  }
  return named(address, std::move(error));
}

}  // namespace saker::net
