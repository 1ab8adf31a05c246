// Digester: SHA-256, SHA-384 and SHA-512 (FIPS 180-4) with everything fetched and allocated once.
// Thread rule: one thread's.
#pragma once

#include <memory>

#include "saker/base/bytes.h"
#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"

namespace saker::crypto {

class Digester {
 public:
  static Result<Digester> make();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;
  ~Digester();

  // Writes digest_bytes(hash) bytes to `out`, which has room for kMaxDigestBytes; returns how many,
  // or 0 if the library failed.
  [[nodiscard]] size_t digest(Hash hash, Bytes message, MutableBytes out);

 private:
  struct Contexts;
  explicit Digester(std::unique_ptr<Contexts> contexts);

  std::unique_ptr<Contexts> contexts_;
};

}  // namespace saker::crypto
