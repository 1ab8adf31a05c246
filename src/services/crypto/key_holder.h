// KeyHolder: whatever has a private key and makes signers of it: this process's memory, or a token
// that never gives it away. Knows nothing of names, versions or states. Thread rule: immutable;
// signers are made on any thread, and each is one thread's.
#pragma once

#include <memory>

#include "saker/base/result.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {

class KeyHolder {
 public:
  virtual ~KeyHolder() = default;

  // False: its signers only verify.
  virtual bool can_sign() const = 0;
  virtual Result<std::unique_ptr<Signer>> make_signer() const = 0;
  // Verifies what a signer of this key made, with another library where there are two.
  virtual Result<std::unique_ptr<Signer>> make_checker() const = 0;
};

}  // namespace saker::crypto
