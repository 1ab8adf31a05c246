// OpenSSL behind the Signer interface: RSA and ECDSA on a key object of its own, with one context
// per algorithm and direction, set up once; a signature is one EVP_PKEY_sign call.
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "saker/services/crypto/ecdsa_signature.h"
#include "saker/services/crypto/openssl_handles.h"
#include "saker/services/crypto/signer.h"

namespace saker::crypto {
namespace {

using Initialise = int (*)(EVP_PKEY_CTX*);

const EVP_MD* method_of(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return EVP_sha256();
    case Hash::kSha384:
      return EVP_sha384();
    case Hash::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

// PSS: MGF1 takes the signature's hash unless told otherwise (EVP_PKEY_CTX_ctrl(3)).
bool set_rsa_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
  if (!is_pss(algorithm)) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

Result<KeyContext> make_context(EVP_PKEY* pkey, KeyType type, Algorithm algorithm,
                                Initialise initialise) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (context != nullptr && initialise(context.get()) > 0 &&
      (!is_rsa(type) || set_rsa_padding(context.get(), algorithm)) &&
      EVP_PKEY_CTX_set_signature_md(context.get(), method_of(hash_of(algorithm))) > 0) {
    return context;
  }
  return fail_openssl("cannot set up " + std::string(name(algorithm)));
}

class OpenSslSigner final : public Signer {
 public:
  OpenSslSigner(KeyType type, PkeyHandle pkey) : Signer(type), pkey_(std::move(pkey)) {}

  // A public key alone can only verify.
  Result<void> set_up(bool can_sign) {
    for (const Algorithm algorithm : allowed_algorithms(type())) {
      if (can_sign) {
        auto sign = make_context(pkey_.get(), type(), algorithm, EVP_PKEY_sign_init);
        if (!sign) return std::unexpected(sign.error());
        sign_[static_cast<size_t>(algorithm)] = std::move(*sign);
      }
      auto verify = make_context(pkey_.get(), type(), algorithm, EVP_PKEY_verify_init);
      if (!verify) return std::unexpected(verify.error());
      verify_[static_cast<size_t>(algorithm)] = std::move(*verify);
    }
    return {};
  }

 private:
  std::expected<size_t, SignError> do_sign(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, MutableBytes out) override {
    if (format == SignatureFormat::kDer || is_rsa(type())) return call_sign(algorithm, digest, out);
    uint8_t der[kMaxEcdsaDerBytes];
    const auto length = call_sign(algorithm, digest, der);
    if (!length) return length;
    const size_t wanted = 2 * scalar_bytes(type());
    if (!ecdsa_p1363_from_der({der, *length}, out.first(wanted)))
      return std::unexpected(SignError::kLibrary);
    return wanted;
  }

  std::expected<bool, SignError> do_verify(Algorithm algorithm, Bytes digest,
                                           SignatureFormat format, Bytes signature) override {
    if (format == SignatureFormat::kDer || is_rsa(type()))
      return call_verify(algorithm, digest, signature);
    if (signature.size() != 2 * scalar_bytes(type())) return false;
    uint8_t der[kMaxEcdsaDerBytes];
    const size_t length = ecdsa_der_from_p1363(signature, der);
    return call_verify(algorithm, digest, {der, length});
  }

  std::expected<size_t, SignError> call_sign(Algorithm algorithm, Bytes digest, MutableBytes out) {
    if (sign_[static_cast<size_t>(algorithm)] == nullptr)
      return std::unexpected(SignError::kNoPrivateKey);
    size_t length = out.size();
    if (EVP_PKEY_sign(sign_[static_cast<size_t>(algorithm)].get(), out.data(), &length,
                      digest.data(), digest.size()) == 1) {
      return length;
    }
    ERR_clear_error();
    return std::unexpected(SignError::kLibrary);
  }

  // Anything but 1 is no: OpenSSL tells a malformed signature from a wrong one by a negative
  // number, this interface does not.
  bool call_verify(Algorithm algorithm, Bytes digest, Bytes signature) {
    if (EVP_PKEY_verify(verify_[static_cast<size_t>(algorithm)].get(), signature.data(),
                        signature.size(), digest.data(), digest.size()) == 1) {
      return true;
    }
    ERR_clear_error();
    return false;
  }

  PkeyHandle pkey_;
  KeyContext sign_[kAlgorithmSlots];
  KeyContext verify_[kAlgorithmSlots];
};

}  // namespace

Result<std::unique_ptr<Signer>> make_openssl_signer(const PrivateKey& key) {
  auto pkey = key.duplicate();
  if (!pkey) return std::unexpected(pkey.error());
  auto signer = std::make_unique<OpenSslSigner>(key.type(), std::move(*pkey));
  if (auto ready = signer->set_up(true); !ready) return std::unexpected(ready.error());
  return signer;
}

Result<std::unique_ptr<Signer>> make_openssl_verifier(KeyType type, Bytes public_key_der) {
  const unsigned char* at = public_key_der.data();
  PkeyHandle pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key_der.size())));
  if (pkey == nullptr) return fail_openssl("not a SubjectPublicKeyInfo");
  auto verifier = std::make_unique<OpenSslSigner>(type, std::move(pkey));
  if (auto ready = verifier->set_up(false); !ready) return std::unexpected(ready.error());
  return verifier;
}

}  // namespace saker::crypto
