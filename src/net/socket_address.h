// Between Address and the kernel's sockaddr, both ways, and from a socket to the Peer at its other
// end. socket_addresses() is the only place that may look up a name, and then it blocks: ask
// needs_lookup() first and go to Loop::resolve() if blocking is not allowed. Numeric
// hosts, localhost and everything but TCP never block.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/address.h"
#include "saker/net/stream.h"

namespace saker::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  int family() const { return storage.ss_family; }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

enum class Purpose { kListen, kConnect };

bool needs_lookup(const Address& address);

// In the order in which they are to be tried; not empty. Not for fd: and memory addresses. A VSOCK
// multiplexer's address is its Unix path when connecting and path_PORT when listening. An empty TCP
// host means every interface when listening ([::] with IPv4, then 0.0.0.0)
// and localhost when connecting.
Result<std::vector<SocketAddress>> socket_addresses(const Address& address, Purpose purpose);

// "ipv4:1.2.3.4:50051", "unix:/path", "vsock:42:1157": the names that Peer::name uses.
std::string peer_name(const SocketAddress& address);
// Of a connected socket; `address` as accept() or getpeername() gave it.
// Reads SO_PEERCRED of Unix sockets.
Peer peer_of(int fd, const SocketAddress& address);

Result<SocketAddress> local_address(int fd);
Result<SocketAddress> remote_address(int fd);
// The numeric Address of a socket address; kTcp with an empty host
// for a family that is unknown here.
Address address_of(const SocketAddress& address);

}  // namespace saker::net
