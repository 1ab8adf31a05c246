// CryptoState: the keys and the policy that the service decides by, as one value that is replaced
// whole; and what of it a caller is allowed to see. Calls hold on to the state they began with.
// Thread rule: immutable, but for what key_ring.h says of signers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saker/base/result.h"
#include "saker/services/crypto/key_ring.h"
#include "saker/services/crypto/key_token.h"
#include "saker/services/crypto/policy.h"

namespace saker::crypto {

// Where keys and policy come from.
struct CryptoSources {
  std::vector<std::string> keys;  // `[NAME=]TYPE`, generated at start; none: the default set
  std::string key_directory;      // instead of those; empty: none
  std::string passphrase_file;    // of the directory; empty: the service manager's credential
  TokenOptions token;             // instead of both; no PIN file: the service manager's credential
  std::string policy_file;        // empty: every caller may do everything
};

struct CryptoState {
  KeyRing keys;
  std::optional<Policy> policy;
  std::shared_ptr<KeyToken> token;   // null: the keys are in this process
  std::vector<std::string> remarks;  // on the token's keys
};

// Reads or generates keys, tests each of them, reads the policy.
Result<std::shared_ptr<const CryptoState>> make_state(const CryptoSources& sources, size_t workers);

// What a reload came to, in words; keys and policy apart, each kept as it was where it is bad.
struct Reloaded {
  std::shared_ptr<const CryptoState> state;
  std::vector<std::string> done;
  std::vector<std::string> failed;
};
Reloaded reload_state(const CryptoSources& sources, const CryptoState& old, size_t workers);

// Who asks, and of what. References live as long as the call.
struct Caller {
  const CryptoState& state;
  const net::Peer& peer;

  // Whether this operation is allowed on this key; `rate` is the rule's, null: none.
  bool may(Operation operation, const Key& key, const RateLimit** rate = nullptr) const;
};

}  // namespace saker::crypto
