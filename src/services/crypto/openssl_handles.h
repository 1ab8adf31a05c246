// Owning handles of OpenSSL objects, and its error queue as words. Included by the .cc files of
// this folder only: OpenSSL's headers stay out of every public one.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "saker/base/result.h"

namespace saker::crypto {

template <auto free_function>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using DigestMethod = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;

// fail("<what>: <OpenSSL's reason>"); empties this thread's error queue, which would otherwise be
// read by whoever asks next.
inline std::unexpected<Error> fail_openssl(std::string what) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0)
    ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return fail(std::move(what) + ": " + text);
}

}  // namespace saker::crypto
