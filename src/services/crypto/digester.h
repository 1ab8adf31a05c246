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

// One hash of a message that comes in pieces. Thread rule: one thread's at a time.
class PieceDigester {
 public:
  static Result<PieceDigester> make(Hash hash);
  PieceDigester(PieceDigester&&) noexcept;
  ~PieceDigester();

  // False: the library failed, and the hash will be none.
  bool update(Bytes piece);
  // As Digester::digest(); once.
  [[nodiscard]] size_t finish(MutableBytes out);

 private:
  struct State;
  explicit PieceDigester(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace saker::crypto
