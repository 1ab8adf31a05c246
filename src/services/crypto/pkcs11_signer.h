// Signatures made by a token (C_Sign), verifications by this process's libraries with the public
// half: RSASSA-PKCS1-v1_5 by CKM_RSA_PKCS over the DigestInfo, PSS by CKM_RSA_PKCS_PSS and ECDSA by
// CKM_ECDSA over the digest (PKCS#11 Current Mechanisms 2.40 sections 2.1.6, 2.1.11, 2.3.6). Thread
// rule: a holder is immutable and any thread's, a signer is one thread's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "saker/services/crypto/key_holder.h"
#include "saker/services/crypto/pkcs11_token.h"

namespace saker::crypto {

inline constexpr size_t kMaxTokenObjects = 4096;  // private keys on a token

ck_mechanism_type_t mechanism_of(Algorithm algorithm);

// How a private key is found again: both attributes together.
struct Pkcs11Name {
  std::vector<uint8_t> label;
  std::vector<uint8_t> id;
};

// All of a class with this name; `id` alone where `label` is empty.
std::expected<std::vector<ck_object_handle_t>, ck_rv_t> find_objects(const Pkcs11Module& module,
                                                                     ck_session_handle_t session,
                                                                     ck_object_class_t object_class,
                                                                     const Pkcs11Name& name);

class Pkcs11KeyHolder final : public KeyHolder {
 public:
  Pkcs11KeyHolder(std::shared_ptr<Pkcs11Token> token, Pkcs11Name name, KeyType type,
                  std::vector<uint8_t> public_key_der, bool can_sign)
      : token_(std::move(token)),
        name_(std::move(name)),
        type_(type),
        public_key_der_(std::move(public_key_der)),
        can_sign_(can_sign) {}

  bool can_sign() const override { return can_sign_; }
  Result<std::unique_ptr<Signer>> make_signer() const override;
  Result<std::unique_ptr<Signer>> make_checker() const override;

 private:
  const std::shared_ptr<Pkcs11Token> token_;
  const Pkcs11Name name_;
  const KeyType type_;
  const std::vector<uint8_t> public_key_der_;
  const bool can_sign_;
};

}  // namespace saker::crypto
