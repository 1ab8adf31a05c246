#include "listeners.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>

#include "saker/net/descriptor.h"

namespace saker::app {
namespace {

constexpr uint32_t kDefaultPort = 50051;

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") ||
         host.starts_with("::ffff:127.");
}

std::string named_cids(const std::vector<uint32_t>& cids) {
  std::string text;
  for (const uint32_t cid : cids) {
    text += (text.empty() ? "" : ", ") + std::to_string(cid);
  }
  return text;
}

}  // namespace

bool kernel_has_vsock() {
  return static_cast<bool>(net::Descriptor(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

std::vector<net::Address> default_listeners(bool vsock) {
  std::vector<net::Address> all;
  all.push_back({.host = "127.0.0.1", .port = kDefaultPort});
  if (vsock && kernel_has_vsock()) {
    net::Address any;
    any.transport = net::Transport::kVsock;
    any.cid = net::kVsockCidAny;
    any.port = kDefaultPort;
    all.push_back(any);
  }
  return all;
}

Result<std::vector<net::Address>> inherited_listeners() {
  const int count = sd_listen_fds(1);
  if (count < 0) return fail_errno("the service manager's sockets ($LISTEN_FDS)", -count);
  std::vector<net::Address> all;
  for (int number = 0; number < count; ++number) {
    net::Address address{.transport = net::Transport::kFd};
    address.fd = SD_LISTEN_FDS_START + number;
    all.push_back(address);
  }
  return all;
}

std::optional<std::string> who_can_reach(const net::Address& address,
                                         const std::vector<uint32_t>& cids) {
  switch (address.transport) {
    case net::Transport::kTcp:
      if (is_loopback(address.host)) return std::nullopt;
      return "everyone who can reach this machine";
    case net::Transport::kVsock:
      if (address.cid == net::kVsockCidLocal) return std::nullopt;
      if (cids.empty()) return "the host and every virtual machine of this host";
      if (cids == std::vector<uint32_t>{net::kVsockCidLocal}) return std::nullopt;
      return "whoever has VSOCK CID " + named_cids(cids);
    case net::Transport::kVsockMux:
      return "the virtual machine behind that socket";
    default:
      return std::nullopt;  // a Unix socket has an owner and a mode
  }
}

}  // namespace saker::app
