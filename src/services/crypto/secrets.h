// Hygiene of key material: memory that is wiped when it is no longer needed, and a process that
// neither dumps core, nor can be traced by others of its user, nor is paged out.
// Knows no key and no service.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "saker/base/bytes.h"

namespace saker::crypto {

// Overwrites with zeros in a way that the compiler may not drop.
void wipe(MutableBytes bytes);

// Bytes that are wiped on destruction; neither copied nor moved,
// so that no second copy is left behind.
template <size_t kBytes>
class SecretBytes {
 public:
  SecretBytes() = default;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(bytes_); }

  uint8_t* data() { return bytes_.data(); }
  static constexpr size_t size() { return kBytes; }
  MutableBytes span() { return bytes_; }
  Bytes span() const { return bytes_; }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

// As many bytes as it takes, wiped on destruction.
class SecretVector {
 public:
  SecretVector() = default;
  explicit SecretVector(size_t size) : bytes_(size) {}
  SecretVector(SecretVector&&) noexcept = default;  // the bytes stay where they are
  SecretVector& operator=(SecretVector&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~SecretVector() { wipe(bytes_); }

  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  MutableBytes span() { return bytes_; }
  void truncate(size_t size) {
    wipe(span().subspan(size));
    bytes_.resize(size);
  }

 private:
  std::vector<uint8_t> bytes_;
};

// What OpenSSL frees is overwritten first, on threads that ask for it: it does so itself for the
// numbers of a key, but not for all encodings that those pass through. Installed before OpenSSL has
// allocated anything; false: too late.
bool install_wiping_allocator();
class WipeFreedMemory {
 public:
  WipeFreedMemory();
  ~WipeFreedMemory();
  WipeFreedMemory(const WipeFreedMemory&) = delete;
  WipeFreedMemory& operator=(const WipeFreedMemory&) = delete;
};

// No core file (RLIMIT_CORE 0), no ptrace and no /proc/PID/mem for others of the same user
// (PR_SET_DUMPABLE 0), nothing paged out (mlockall), the wiping allocator. Returns one sentence for each of them that
// could not be had, with what to do about it; empty = all done. Call once, before keys exist and
// before threads start.
std::vector<std::string> harden_process();

}  // namespace saker::crypto
