// The options of sockets, per family. VSOCK has no TCP options
// and no SO_REUSEADDR worth setting (vsock(7)).
#pragma once

#include <cstdint>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/net/descriptor.h"

namespace saker::net {

// A stream socket, non-blocking and close-on-exec.
Result<Descriptor> make_socket(int family);
Result<void> set_nonblocking(int fd);

// TCP: no Nagle delay; every turn's output is one write already.
void set_stream_options(int fd, int family);
// TCP: a peer whose machine is gone is found out within two minutes, where no protocol of ours asks.
void set_keepalive(int fd);
void set_listener_options(int fd, int family);
// VSOCK only, before connect() or listen(): what is in flight is the smaller of both ends' windows,
// and an accepted socket takes the listener's.
void set_vsock_window(int fd, uint64_t window_bytes);
void set_vsock_connect_timeout(int fd, Duration timeout);

// The pending error of a socket (SO_ERROR), which this clears.
int take_socket_error(int fd);

}  // namespace saker::net
