// ListenSocket: a bound, listening descriptor for an Address, whatever the transport; who accepts
// from it is not known here. Unix paths: the file left behind by a dead server is replaced, a live
// server is EADDRINUSE, and the file is removed again by whoever made it, unless another server has
// put its own there meanwhile.
#pragma once

#include <sys/types.h>

#include <string>

#include "saker/base/result.h"
#include "saker/net/address.h"
#include "saker/net/descriptor.h"
#include "saker/net/loop.h"

namespace saker::net {

// Owner of the file that bind() made.
class BoundPath {
 public:
  BoundPath() = default;
  explicit BoundPath(std::string path);
  BoundPath(BoundPath&& other) noexcept;
  BoundPath& operator=(BoundPath&& other) noexcept;
  ~BoundPath() { remove(); }

 private:
  void remove();

  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct ListenSocket {
  BoundPath path;
  Descriptor fd;
  Address address;  // as bound
};

// Blocks if the host is a name that must be looked up. fd:N is taken over,
// and is to be a listening socket already.
Result<ListenSocket> open_listen_socket(const Address& address, const ListenOptions& options);

}  // namespace saker::net
