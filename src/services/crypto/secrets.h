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

// No core file (RLIMIT_CORE 0), no ptrace and no /proc/PID/mem for others of the same user
// (PR_SET_DUMPABLE 0), nothing paged out (mlockall). Returns one sentence for each of them that
// could not be had, with what to do about it; empty = all done. Call once, before keys exist and
// before threads start.
std::vector<std::string> harden_process();

}  // namespace saker::crypto
