// KeyToken: a device that has keys and signs with them (an HSM, a smart card), reached through the
// PKCS#11 module that its maker delivers (OASIS PKCS#11 2.40). The private halves stay there; what
// is read of them is public. How objects on the token become keys and versions: docs/crypto.md.
//
// A token may go away and come back. Signing then ends with SignError::kUnavailable, and whoever
// signs next, once a second at the most, looks whether it is there again. A PIN that the token has
// refused is never shown to it again: tokens lock themselves after a few. Thread rule: any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/key_ring.h"

namespace saker::crypto {

struct TokenOptions {
  std::string module;    // the shared library
  std::string label;     // of the token; empty: the only one there is
  std::string pin_file;  // whose first line is the user's PIN; read whenever a login is needed
};

// What is on a token: the keys that can be used, and a sentence for each object that cannot, or
// not as safely as it could.
struct TokenKeys {
  KeyRing ring;
  std::vector<std::string> remarks;
};

class KeyToken {
 public:
  virtual ~KeyToken() = default;

  // At least one key must be there.
  virtual Result<TokenKeys> load_keys() = 0;
  // Whether the last use of it worked.
  virtual bool works() const = 0;
  // Told, on whichever thread finds out, that the token is lost, still is for another reason, or is
  // back.
  virtual void set_report(std::function<void(const std::string&)> report) = 0;
};

// Loads the module, finds the token and logs in. A process opens one at a time.
Result<std::shared_ptr<KeyToken>> open_pkcs11_token(const TokenOptions& options);

}  // namespace saker::crypto
