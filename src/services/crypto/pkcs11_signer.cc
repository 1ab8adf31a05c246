#include "saker/services/crypto/pkcs11_signer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "saker/services/crypto/ecdsa_signature.h"

namespace saker::crypto {
namespace {

// DigestInfo up to the digest: RFC 8017 section 9.2, note 1.
constexpr std::array<uint8_t, 19> kDigestInfos[kHashes] = {
    {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
     0x00, 0x04, 0x20},
    {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
     0x00, 0x04, 0x30},
    {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
     0x00, 0x04, 0x40}};
constexpr size_t kMaxDigestInfoBytes = 19 + kMaxDigestBytes;

ck_rsa_pkcs_pss_params pss_parameters(Algorithm algorithm) {
  switch (hash_of(algorithm)) {
    case Hash::kSha256:
      return {CKM_SHA256, CKG_MGF1_SHA256, 32};
    case Hash::kSha384:
      return {CKM_SHA384, CKG_MGF1_SHA384, 48};
    case Hash::kSha512:
      return {CKM_SHA512, CKG_MGF1_SHA512, 64};
  }
  return {};
}

// What is wrong with this key or request, and would be so on a token in the best of health. All else
// is taken for the token's loss: modules of network HSMs say so in many ways, vendors' own among
// them.
bool is_about_the_request(ck_rv_t result) {
  constexpr ck_rv_t kResults[] = {
      CKR_DATA_INVALID,
      CKR_DATA_LEN_RANGE,
      CKR_KEY_SIZE_RANGE,
      CKR_KEY_TYPE_INCONSISTENT,
      CKR_KEY_FUNCTION_NOT_PERMITTED,
      CKR_MECHANISM_INVALID,
      CKR_MECHANISM_PARAM_INVALID,
      CKR_ACTION_PROHIBITED,
  };
  return std::ranges::find(kResults, result) != std::end(kResults);
}

class Pkcs11Signer final : public Signer {
 public:
  Pkcs11Signer(KeyType type, std::shared_ptr<Pkcs11Token> token, const Pkcs11Name& name,
               std::unique_ptr<Signer> verifier)
      : Signer(type), token_(std::move(token)), name_(name), verifier_(std::move(verifier)) {}

 private:
  std::expected<size_t, SignError> do_sign(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, MutableBytes out) override {
    auto session = token_->take();
    if (!session) return std::unexpected(SignError::kUnavailable);
    if (auto found = find_key(*session); !found) return std::unexpected(found.error());
    uint8_t raw[kMaxSignatureBytes];
    unsigned long length = sizeof raw;
    const ck_rv_t result = call_sign(*session, algorithm, digest, raw, length);
    if (result != CKR_OK && !is_about_the_request(result)) {
      token_->lose(*session, result);
      return std::unexpected(SignError::kUnavailable);
    }
    token_->give_back(*session);
    if (result != CKR_OK || length != raw_signature_bytes())
      return std::unexpected(SignError::kLibrary);
    if (is_rsa(type()) || format != SignatureFormat::kDer) {
      std::memcpy(out.data(), raw, length);
      return length;
    }
    uint8_t der[kMaxEcdsaDerBytes];
    const size_t size = ecdsa_der_from_p1363({raw, length}, der);
    std::memcpy(out.data(), der, size);
    return size;
  }

  std::expected<bool, SignError> do_verify(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, Bytes signature) override {
    return verifier_->verify(algorithm, digest, format, signature);
  }

  // Handles are good for one generation of sessions.
  std::expected<void, SignError> find_key(Pkcs11Session session) {
    if (generation_ == session.generation) return {};
    const auto found = find_objects(token_->module(), session.handle, CKO_PRIVATE_KEY, name_);
    if (!found) {
      token_->lose(session, found.error());
      return std::unexpected(SignError::kUnavailable);
    }
    if (found->size() != 1) {
      token_->give_back(session);
      return std::unexpected(SignError::kKeyGone);
    }
    key_ = found->front();
    generation_ = session.generation;
    return {};
  }

  ck_rv_t call_sign(Pkcs11Session session, Algorithm algorithm, Bytes digest, uint8_t* raw,
                    unsigned long& length) const {
    const Pkcs11Module& module = token_->module();
    ck_rsa_pkcs_pss_params pss = pss_parameters(algorithm);
    ck_mechanism mechanism{mechanism_of(algorithm), nullptr, 0};
    if (is_pss(algorithm)) mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    const ck_rv_t begun = module->C_SignInit(session.handle, &mechanism, key_);
    if (begun != CKR_OK) return begun;
    uint8_t input[kMaxDigestInfoBytes];
    size_t size = 0;
    if (mechanism.mechanism == CKM_RSA_PKCS) {
      const auto& info = kDigestInfos[static_cast<size_t>(hash_of(algorithm))];
      std::ranges::copy(info, input);
      size = info.size();
    }
    std::ranges::copy(digest, input + size);
    return module->C_Sign(session.handle, input, size + digest.size(), raw, &length);
  }

  size_t raw_signature_bytes() const {
    return is_rsa(type()) ? key_bits(type()) / 8 : 2 * scalar_bytes(type());
  }

  const std::shared_ptr<Pkcs11Token> token_;
  const Pkcs11Name name_;
  const std::unique_ptr<Signer> verifier_;
  ck_object_handle_t key_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace

ck_mechanism_type_t mechanism_of(Algorithm algorithm) {
  if (algorithm == Algorithm::kEcdsaP256Sha256 || algorithm == Algorithm::kEcdsaP384Sha384)
    return CKM_ECDSA;
  return is_pss(algorithm) ? CKM_RSA_PKCS_PSS : CKM_RSA_PKCS;
}

std::expected<std::vector<ck_object_handle_t>, ck_rv_t> find_objects(const Pkcs11Module& module,
                                                                     ck_session_handle_t session,
                                                                     ck_object_class_t object_class,
                                                                     const Pkcs11Name& name) {
  constexpr unsigned long kBatch = 64;
  unsigned char on_token = 1;
  std::vector<ck_attribute> wanted = {{CKA_CLASS, &object_class, sizeof object_class},
                                      {CKA_TOKEN, &on_token, sizeof on_token}};
  const auto want = [&](ck_attribute_type_t type, const std::vector<uint8_t>& value) {
    if (!value.empty()) wanted.push_back({type, const_cast<uint8_t*>(value.data()), value.size()});
  };
  want(CKA_LABEL, name.label);
  want(CKA_ID, name.id);
  ck_rv_t result = module->C_FindObjectsInit(session, wanted.data(), wanted.size());
  std::vector<ck_object_handle_t> found;
  unsigned long count = kBatch;
  while (result == CKR_OK && count == kBatch && found.size() < kMaxTokenObjects) {
    ck_object_handle_t batch[kBatch];
    result = module->C_FindObjects(session, batch, kBatch, &count);
    if (result == CKR_OK) found.insert(found.end(), batch, batch + count);
  }
  (void)module->C_FindObjectsFinal(session);
  if (result != CKR_OK) return std::unexpected(result);
  return found;
}

Result<std::unique_ptr<Signer>> Pkcs11KeyHolder::make_signer() const {
  auto verifier = make_verifier(type_, public_key_der_);
  if (!verifier || !can_sign_) return verifier;
  return std::make_unique<Pkcs11Signer>(type_, token_, name_, *std::move(verifier));
}

Result<std::unique_ptr<Signer>> Pkcs11KeyHolder::make_checker() const {
  return make_openssl_verifier(type_, public_key_der_);
}

}  // namespace saker::crypto
