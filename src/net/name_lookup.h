// NameLookup: getaddrinfo() in a short-lived thread of its own, because it may block for many
// seconds and knows no other way. The caller watches fd() and takes the result when it turns
// readable. Destroying a lookup abandons it: the thread ends whenever the resolver lets go,
// touching neither the caller nor its loop, which may both be gone by then.
#pragma once

#include <vector>

#include "saker/net/descriptor.h"
#include "saker/net/socket_address.h"

namespace saker::net {

class NameLookup {
 public:
  // Fails when no thread can be had (EAGAIN) or too many lookups hang already (EBUSY).
  static Result<NameLookup> start(const Address& address);

  NameLookup() = default;
  NameLookup(NameLookup&& other) noexcept;
  NameLookup& operator=(NameLookup&& other) noexcept;
  ~NameLookup() { abandon(); }

  int fd() const { return done_.get(); }
  // Once, when fd() is readable.
  Result<std::vector<SocketAddress>> take();

 private:
  struct Job;
  static void* run(void* job);
  static void release(Job* job);
  void abandon();

  Job* job_ = nullptr;
  Descriptor done_;  // an eventfd; the thread writes through a duplicate of its own
};

}  // namespace saker::net
