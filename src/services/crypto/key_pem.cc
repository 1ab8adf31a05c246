#include "saker/services/crypto/key_pem.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "saker/services/crypto/openssl_handles.h"

namespace saker::crypto {
namespace {

constexpr uint64_t kScryptN = 1 << 14;
constexpr uint64_t kScryptR = 8;
constexpr uint64_t kScryptP = 1;

using EncryptedKey = std::unique_ptr<X509_SIG, Freed<X509_SIG_free>>;
using KeyInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freed<PKCS8_PRIV_KEY_INFO_free>>;

Bio read_only(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

const char* text_of(const SecretVector& secret) {
  return reinterpret_cast<const char*>(secret.data());
}

Result<PrivateKey> private_key_of(const X509_SIG* encrypted, const SecretVector& passphrase) {
  const KeyInfo info(
      PKCS8_decrypt(encrypted, text_of(passphrase), static_cast<int>(passphrase.size())));
  if (info == nullptr) return fail_openssl("the passphrase is wrong");
  return PrivateKey::from_pkey(PkeyHandle(EVP_PKCS82PKEY(info.get())));
}

// pem_password_cb: without a passphrase there is none to give, rather than a question on the
// terminal.
int give_passphrase(char* out, int room, int, void* given) {
  const auto& passphrase = *static_cast<const SecretVector*>(given);
  if (passphrase.empty() || passphrase.size() > static_cast<size_t>(room)) return -1;
  std::memcpy(out, passphrase.data(), passphrase.size());
  return static_cast<int>(passphrase.size());
}

}  // namespace

Result<std::string> encrypt_key(const PrivateKey& key, const SecretVector& passphrase) {
  const WipeFreedMemory wipe_freed;
  const auto pkey = key.duplicate();
  if (!pkey) return std::unexpected(pkey.error());
  const KeyInfo info(EVP_PKEY2PKCS8(pkey->get()));
  X509_ALGOR* const scheme =
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, kScryptN, kScryptR, kScryptP);
  if (info == nullptr || scheme == nullptr) return fail_openssl("cannot encrypt a private key");
  // Owns the scheme from here on, if it succeeds.
  const EncryptedKey encrypted(
      PKCS8_set0_pbe(text_of(passphrase), static_cast<int>(passphrase.size()), info.get(), scheme));
  if (encrypted == nullptr) {
    X509_ALGOR_free(scheme);
    return fail_openssl("cannot encrypt a private key");
  }
  const Bio out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_PKCS8(out.get(), encrypted.get()) != 1)
    return fail_openssl("cannot write a private key as PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(length));
}

Result<PrivateKey> decrypt_key(std::string_view pem, const SecretVector& passphrase) {
  const WipeFreedMemory wipe_freed;
  const Bio in = read_only(pem);
  const EncryptedKey encrypted(PEM_read_bio_PKCS8(in.get(), nullptr, nullptr, nullptr));
  if (encrypted == nullptr) return fail_openssl("not an encrypted PKCS#8 key in PEM");
  return private_key_of(encrypted.get(), passphrase);
}

Result<PrivateKey> parse_foreign_key(std::string_view bytes, const SecretVector& passphrase) {
  const WipeFreedMemory wipe_freed;
  const Bio in = read_only(bytes);
  if (bytes.find("-----BEGIN") != bytes.npos) {
    auto* const given = const_cast<SecretVector*>(&passphrase);
    PkeyHandle pkey(PEM_read_bio_PrivateKey(in.get(), nullptr, give_passphrase, given));
    if (pkey == nullptr) return fail_openssl("not a private key, or its passphrase is wrong");
    return PrivateKey::from_pkey(std::move(pkey));
  }
  const EncryptedKey encrypted(d2i_PKCS8_bio(in.get(), nullptr));
  if (encrypted != nullptr) return private_key_of(encrypted.get(), passphrase);
  ERR_clear_error();
  return PrivateKey::from_pkcs8(as_bytes(bytes));
}

}  // namespace saker::crypto
