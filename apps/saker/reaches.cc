#include "reaches.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "saker/net/descriptor.h"
#include "saker/net/socket_address.h"

namespace saker::app {
namespace {

// An IP address as IPv6 has it, IPv4 mapped into it (RFC 4291 section 2.5.5.2).
using Ip = std::array<uint8_t, 16>;
constexpr Ip kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
constexpr size_t kMappedPrefix = 12;
constexpr Ip kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Ip kIpv4Loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};

bool is_ipv4(const Ip& ip) {
  return std::equal(ip.begin(), ip.begin() + kMappedPrefix, kMapped.begin());
}

// Nothing for other families.
Ip ip_of(const sockaddr* address) {
  Ip ip{};
  if (address->sa_family == AF_INET6) {
    std::memcpy(ip.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, ip.size());
  } else if (address->sa_family == AF_INET) {
    ip = kMapped;
    std::memcpy(&ip[kMappedPrefix], &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
  }
  return ip;
}

bool is_local(const Ip& ip) {
  if (ip == kLoopback || (is_ipv4(ip) && ip[kMappedPrefix] == 127)) return true;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(all, freeifaddrs);
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr != nullptr && ip_of(at->ifa_addr) == ip) return true;
  }
  return false;
}

bool reaches_ip(Ip target, const Ip& listener) {
  if (target == Ip{}) target = kLoopback;  // where the kernel connects to
  if (target == kMapped) target = kIpv4Loopback;
  if (target == listener) return true;
  const bool is_any = listener == Ip{} || (listener == kMapped && is_ipv4(target));
  return is_any && is_local(target);
}

bool reaches_tcp(const net::Address& target, const net::Address& listener) {
  if (target.port != listener.port || net::needs_lookup(target)) return false;
  const auto from = net::socket_addresses(listener, net::Purpose::kListen);
  const auto to = net::socket_addresses(target, net::Purpose::kConnect);
  if (!from || !to) return false;
  return std::ranges::any_of(*to, [&](const net::SocketAddress& address) {
    return reaches_ip(ip_of(address.get()), ip_of(from->front().get()));
  });
}

// By way of whatever directories and links; the listener's socket is there.
bool reaches_unix(const std::string& target, const std::string& listener) {
  if (target == listener) return true;
  struct stat to{};
  struct stat from{};
  if (::stat(target.c_str(), &to) != 0 || ::stat(listener.c_str(), &from) != 0) return false;
  return to.st_dev == from.st_dev && to.st_ino == from.st_ino;
}

bool is_own_cid(uint32_t cid) {
  if (cid == net::kVsockCidLocal) return true;
  const net::Descriptor device(::open("/dev/vsock", O_RDONLY | O_CLOEXEC));
  unsigned own = VMADDR_CID_ANY;
  return device && ioctl(device.get(), IOCTL_VM_SOCKETS_GET_LOCAL_CID, &own) == 0 && own == cid;
}

bool reaches_vsock(const net::Address& target, const net::Address& listener) {
  if (target.port != listener.port || target.to_host) return false;
  if (target.cid == listener.cid) return true;
  return listener.cid == net::kVsockCidAny && is_own_cid(target.cid);
}

}  // namespace

// A multiplexer's two sides are never one: who listens there hears the guest, who connects there
// calls the guest.
bool reaches(const net::Address& target, const net::Address& listener) {
  if (target.transport != listener.transport) return false;
  switch (target.transport) {
    case net::Transport::kTcp:
      return reaches_tcp(target, listener);
    case net::Transport::kUnix:
      return reaches_unix(target.path, listener.path);
    case net::Transport::kUnixAbstract:
      return target.path == listener.path;
    case net::Transport::kVsock:
      return reaches_vsock(target, listener);
    default:
      return false;
  }
}

}  // namespace saker::app
