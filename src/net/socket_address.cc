#include "saker/net/socket_address.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace saker::net {
namespace {

using AddressList = std::vector<SocketAddress>;

template <typename Kind>
const Kind& as(const SocketAddress& address) {
  return *reinterpret_cast<const Kind*>(&address.storage);
}

template <typename Kind>
SocketAddress from(const Kind& kind, size_t size = sizeof(Kind)) {
  SocketAddress address;
  std::memcpy(&address.storage, &kind, sizeof kind);
  address.size = static_cast<socklen_t>(size);
  return address;
}

SocketAddress ipv4(uint32_t host, uint32_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(port));
  in.sin_addr.s_addr = htonl(host);
  return from(in);
}

SocketAddress ipv6(const in6_addr& host, uint32_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(static_cast<uint16_t>(port));
  in.sin6_addr = host;
  return from(in);
}

// RFC 6761 §6.3: localhost is loopback whatever a name server says.
bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view kName = "localhost";
  if (host.size() < kName.size()) return false;
  const std::string_view end = host.substr(host.size() - kName.size());
  const bool is_label = end.size() == host.size() || host[host.size() - kName.size() - 1] == '.';
  return is_label && strncasecmp(end.data(), kName.data(), kName.size()) == 0;
}

// 127.0.0.1 first, which a listener on localhost,
// on 127.0.0.1 and on every interface answers alike.
AddressList loopback(uint32_t port) {
  return {ipv4(INADDR_LOOPBACK, port), ipv6(in6addr_loopback, port)};
}

std::unexpected<Error> lookup_failed(const Address& address, int code) {
  const int system_error = errno;
  const std::string what = to_string(address) + ": looking up \"" + address.host + "\"";
  if (code == EAI_SYSTEM) return fail_errno(what, system_error);
  return fail(what + ": " + gai_strerror(code), code == EAI_AGAIN ? EAGAIN : ENOENT);
}

Result<AddressList> look_up(const Address& address, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int code = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found); code != 0) {
    return lookup_failed(address, code);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  AddressList list;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress& item = list.emplace_back();
    std::memcpy(&item.storage, at->ai_addr, at->ai_addrlen);
    item.size = at->ai_addrlen;
  }
  return list;
}

Result<AddressList> tcp_addresses(const Address& address, Purpose purpose) {
  const bool is_listening = purpose == Purpose::kListen;
  if (!is_listening && address.port == 0) {
    return fail(to_string(address) + ": port 0 is for listening, not for connecting", EINVAL);
  }
  if (address.host.empty()) {
    if (!is_listening) return loopback(address.port);
    return AddressList{ipv6(in6addr_any, address.port), ipv4(INADDR_ANY, address.port)};
  }
  if (is_localhost(address.host)) return loopback(address.port);
  if (auto numeric = look_up(address, AI_NUMERICHOST)) return numeric;
  return look_up(address, is_listening ? AI_PASSIVE : AI_ADDRCONFIG);
}

Result<AddressList> unix_address(const Address& address, std::string_view path) {
  const bool is_abstract = address.transport == Transport::kUnixAbstract;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) {
    return fail_errno(to_string(address) + ": \"" + std::string(path) + "\"", ENAMETOOLONG);
  }
  std::memcpy(un.sun_path + (is_abstract ? 1 : 0), path.data(), path.size());
  return AddressList{from(un, offsetof(sockaddr_un, sun_path) + path.size() + 1)};
}

Result<AddressList> vsock_address(const Address& address, Purpose purpose) {
  const bool names_nobody = address.cid == kVsockCidAny || address.port == kVsockPortAny;
  if (purpose == Purpose::kConnect && names_nobody) {
    return fail(to_string(address) + ": any is for listening, not for connecting", EINVAL);
  }
  if (purpose == Purpose::kListen && address.to_host) {
    return fail(to_string(address) + ": to_host is for connecting, not for listening", EINVAL);
  }
  sockaddr_vm vm{};
  vm.svm_family = AF_VSOCK;
  if (address.to_host) vm.svm_flags = VMADDR_FLAG_TO_HOST;
  vm.svm_cid = address.cid;
  vm.svm_port = address.port;
  return AddressList{from(vm)};
}

std::string unix_name(const SocketAddress& address) {
  const size_t offset = offsetof(sockaddr_un, sun_path);
  if (address.size <= offset) return "unix:";
  const char* path = as<sockaddr_un>(address).sun_path;
  const size_t size = address.size - offset;
  if (path[0] == '\0') return "unix-abstract:" + std::string(path + 1, size - 1);
  return "unix:" + std::string(path, strnlen(path, size));
}

std::string numeric_host(int family, const void* host) {
  std::array<char, INET6_ADDRSTRLEN> out;
  return inet_ntop(family, host, out.data(), out.size()) == nullptr ? "" : out.data();
}

// A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2);
// everybody else calls them IPv4.
Address ipv6_address_of(const sockaddr_in6& in) {
  Address out{.transport = Transport::kTcp};
  out.port = ntohs(in.sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
    out.host = numeric_host(AF_INET, in.sin6_addr.s6_addr + 12);
  } else {
    out.host = numeric_host(AF_INET6, &in.sin6_addr);
    if (in.sin6_scope_id != 0) out.host += "%" + std::to_string(in.sin6_scope_id);
  }
  return out;
}

Address unix_address_of(const SocketAddress& address) {
  const std::string name = unix_name(address);
  const bool is_abstract = name.starts_with("unix-abstract:");
  return {.transport = is_abstract ? Transport::kUnixAbstract : Transport::kUnix,
          .path = name.substr(name.find(':') + 1)};
}

bool is_loopback_host(std::string_view host) {
  return host.starts_with("127.") || host == "::1";
}

}  // namespace

bool needs_lookup(const Address& address) {
  if (address.transport != Transport::kTcp || address.host.empty()) return false;
  if (is_localhost(address.host)) return false;
  return !look_up(address, AI_NUMERICHOST);
}

Result<AddressList> socket_addresses(const Address& address, Purpose purpose) {
  switch (address.transport) {
    case Transport::kTcp:
      return tcp_addresses(address, purpose);
    case Transport::kUnix:
    case Transport::kUnixAbstract:
      return unix_address(address, address.path);
    case Transport::kVsock:
      return vsock_address(address, purpose);
    case Transport::kVsockMux:
      if (purpose == Purpose::kConnect) return unix_address(address, address.path);
      return unix_address(address, address.path + "_" + std::to_string(address.port));
    case Transport::kFd:
    case Transport::kMemory:
      break;
  }
  return fail(to_string(address) + ": has no socket address", EAFNOSUPPORT);
}

Address address_of(const SocketAddress& address) {
  Address out;
  switch (address.family()) {
    case AF_INET:
      out.host = numeric_host(AF_INET, &as<sockaddr_in>(address).sin_addr);
      out.port = ntohs(as<sockaddr_in>(address).sin_port);
      break;
    case AF_INET6:
      return ipv6_address_of(as<sockaddr_in6>(address));
    case AF_UNIX:
      return unix_address_of(address);
    case AF_VSOCK:
      out.transport = Transport::kVsock;
      out.cid = as<sockaddr_vm>(address).svm_cid;
      out.port = as<sockaddr_vm>(address).svm_port;
      break;
    default:
      break;
  }
  return out;
}

std::string peer_name(const SocketAddress& address) {
  if (address.family() == AF_UNIX) return unix_name(address);
  const Address numeric = address_of(address);
  if (numeric.transport != Transport::kTcp) return to_string(numeric);
  const bool is_ipv6 = numeric.host.find(':') != std::string::npos;
  return (is_ipv6 ? "ipv6:" : "ipv4:") + to_string(numeric);
}

Peer peer_of(int fd, const SocketAddress& address) {
  Peer peer;
  const Address numeric = address_of(address);
  peer.transport = numeric.transport;
  peer.name = peer_name(address);
  peer.cid = numeric.cid;
  switch (peer.transport) {
    case Transport::kTcp:
      peer.is_local = is_loopback_host(numeric.host);
      break;
    case Transport::kVsock:
      peer.is_local = numeric.cid == kVsockCidLocal;
      break;
    default:
      peer.is_local = true;
      break;
  }
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (address.family() == AF_UNIX &&
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    peer.pid = credentials.pid;
  }
  return peer;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress address;
  if (getsockname(fd, address.get(), &address.size) != 0) return fail_errno("getsockname", errno);
  return address;
}

Result<SocketAddress> remote_address(int fd) {
  SocketAddress address;
  if (getpeername(fd, address.get(), &address.size) != 0) return fail_errno("getpeername", errno);
  return address;
}

}  // namespace saker::net
