// Private keys as PKCS#8 in PEM, encrypted under a passphrase: PBES2 with scrypt (N = 2^14, r = 8,
// p = 1: 16 MiB and some 50 ms) and AES-256-CBC, RFC 7914 and RFC 8018, which `openssl pkey` reads
// too. Knows no file. Thread rule: none, values in and values out.
#pragma once

#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/services/crypto/key.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {

Result<std::string> encrypt_key(const PrivateKey& key, const SecretVector& passphrase);
// What encrypt_key() wrote, or another program: the error tells a wrong passphrase from what is no
// key.
Result<PrivateKey> decrypt_key(std::string_view pem, const SecretVector& passphrase);
// For import: PEM or DER; PKCS#8, encrypted or not, or the older forms of one type (RFC 8017
// appendix A.1.2, RFC 5915). `passphrase` may be empty.
Result<PrivateKey> parse_foreign_key(std::string_view bytes, const SecretVector& passphrase);

}  // namespace saker::crypto
