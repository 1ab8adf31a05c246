#include "saker/tls/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

namespace saker::tls {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader_of(const Pem& pem) {
  return {BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())), &BIO_free_all};
}

// Nobody is there to type a passphrase.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Certificate next_certificate(BIO& from) {
  bool asked = false;
  return {PEM_read_bio_X509(&from, nullptr, refuse_passphrase, &asked), &X509_free};
}

// Reading past the last certificate fails, too; anything else means that the text is broken.
bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  return error == 0 || ended;
}

Result<void> missing(const Pem& pem, const char* what) {
  ERR_clear_error();
  return fail(pem.name + ": there is no " + what + " in it (PEM is expected)");
}

Result<void> broken(const Pem& pem, const char* what) {
  if (at_end()) return missing(pem, what);
  return fail(pem.name + ": the " + what + " cannot be read: " + library_error());
}

}  // namespace

std::string library_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  std::string text = reason != nullptr ? reason : "error " + std::to_string(error);
  ERR_clear_error();
  return text;
}

Result<void> use_certificate_chain(SSL_CTX& context, const Pem& pem) {
  ERR_clear_error();
  const Bio from = reader_of(pem);
  const Certificate own = next_certificate(*from);
  if (own == nullptr) return broken(pem, "certificate");
  if (SSL_CTX_use_certificate(&context, own.get()) != 1) {
    return fail(pem.name + ": " + library_error());
  }
  while (const Certificate next = next_certificate(*from)) {
    if (SSL_CTX_add1_chain_cert(&context, next.get()) != 1) {
      return fail(pem.name + ": " + library_error());
    }
  }
  if (!at_end()) return broken(pem, "certificate chain");
  ERR_clear_error();
  return {};
}

Result<void> use_private_key(SSL_CTX& context, const Pem& pem) {
  ERR_clear_error();
  const Bio from = reader_of(pem);
  bool asked = false;
  const Key key(PEM_read_bio_PrivateKey(from.get(), nullptr, refuse_passphrase, &asked),
                &EVP_PKEY_free);
  if (asked) {
    ERR_clear_error();
    return fail(pem.name + ": the private key is encrypted; a key without a passphrase is needed");
  }
  const bool has_key = pem.text.find("PRIVATE KEY-----") != std::string::npos;
  if (key == nullptr) return has_key ? broken(pem, "private key") : missing(pem, "private key");
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1) {
    return fail(pem.name + ": the private key does not belong to the certificate (" +
                library_error() + ")");
  }
  return {};
}

Result<void> trust(SSL_CTX& context, const Pem& pem, bool announce) {
  ERR_clear_error();
  const Bio from = reader_of(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  int count = 0;
  for (; const Certificate next = next_certificate(*from); ++count) {
    const bool added = X509_STORE_add_cert(store, next.get()) == 1;
    if (!added || (announce && SSL_CTX_add_client_CA(&context, next.get()) != 1)) {
      return fail(pem.name + ": " + library_error());
    }
  }
  if (count == 0 || !at_end()) return broken(pem, "CA certificate");
  ERR_clear_error();
  return {};
}

}  // namespace saker::tls
