// Address: one syntax for listeners, targets and configuration, parsed once
// and printed back in canonical form.
//
//   host:port  tcp://host:port  dns:///host:port     TCP; IPv6 in brackets;
//                                                    port 0 when listening: any free one
//   unix:/path                                       Unix stream socket
//   unix-abstract:name                               Linux abstract namespace
//   vsock:CID:PORT  vsock://CID:PORT                 CID: number, -1, any, local, host, hypervisor,
//                                                    empty (= any)
//                                                    ?to_host=1 behind it: by way of the host,
//                                                    for a sibling's CID
//   vsock-mux:/path:PORT  hvsock:///path:PORT        the host side of Firecracker's
//                                                    and Cloud Hypervisor's vsock
//   fd:N                                             an inherited descriptor
//   memory://name                                    the simulator's network, nowhere else
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "saker/base/result.h"

namespace saker::net {

enum class Transport : uint8_t { kTcp, kUnix, kUnixAbstract, kVsock, kVsockMux, kFd, kMemory };

// "tcp", "unix", "vsock", … as metrics and logs name it (both kinds of Unix socket are "unix").
std::string_view transport_name(Transport transport);

inline constexpr uint32_t kVsockCidAny = 0xFFFFFFFF;
inline constexpr uint32_t kVsockCidHypervisor = 0;
inline constexpr uint32_t kVsockCidLocal = 1;
inline constexpr uint32_t kVsockCidHost = 2;
inline constexpr uint32_t kVsockPortAny = 0xFFFFFFFF;

struct Address {
  Transport transport = Transport::kTcp;
  // TCP: name or numeric address without brackets; empty = all interfaces when listening.
  std::string host{};
  std::string path{};  // Unix path, abstract name, or the multiplexer's socket; memory: the name
  uint32_t cid = 0;    // VSOCK
  // VSOCK, connecting: the host passes the connection on to the CID (VMADDR_FLAG_TO_HOST).
  bool to_host = false;
  uint32_t port = 0;  // TCP ≤ 65535; VSOCK 32 bits
  int fd = -1;

  friend bool operator==(const Address&, const Address&) = default;
};

// The error names the address, the offending part and an example of what is right.
Result<Address> parse_address(std::string_view text);
// Canonical: parse_address(to_string(a)) == a.
std::string to_string(const Address& address);

}  // namespace saker::net
