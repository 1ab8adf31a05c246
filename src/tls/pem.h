// From PEM text to what a context holds. Errors name the text and say what is wrong with it.
#pragma once

#include "saker/tls/context.h"

namespace saker::tls {

// The first certificate is our own, the rest its chain.
Result<void> use_certificate_chain(ssl_ctx_st& context, const Pem& pem);
// After the certificate, with which it must match.
Result<void> use_private_key(ssl_ctx_st& context, const Pem& pem);
// Whom to trust; a server also names them to its clients.
Result<void> trust(ssl_ctx_st& context, const Pem& pem, bool announce);

// What OpenSSL says went wrong last, in its own words; empties its queue.
std::string library_error();

}  // namespace saker::tls
