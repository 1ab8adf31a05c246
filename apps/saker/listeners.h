// Where a server listens: the listeners that it has by default, and what is to be said about those
// that others can reach.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/address.h"

namespace saker::app {

// Can this kernel make VSOCK sockets?
bool kernel_has_vsock();

// 127.0.0.1:50051 and, where the kernel has it and `vsock` is set, vsock:any:50051.
std::vector<net::Address> default_listeners(bool vsock);

// The listening sockets that the service manager has passed to this process, as fd:N
// (sd_listen_fds(3)); none without one. Only the first call finds them.
Result<std::vector<net::Address>> inherited_listeners();

// Who else can reach a listener that is bound to `address`, in words for a warning; nothing when
// only this machine can. `cids`: the VSOCK peers it accepts; none: all.
std::optional<std::string> who_can_reach(const net::Address& address,
                                         const std::vector<uint32_t>& cids);

}  // namespace saker::app
