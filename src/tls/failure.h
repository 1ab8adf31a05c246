// What went wrong in a TLS connection, in words for the person who has to set it right: which side
// refused what, and why. Reads OpenSSL's error queue and empties it.
#pragma once

#include <string>

struct x509_store_ctx_st;

namespace saker::tls {

// `peer`: "the client" or "the server". Requires a failed call of OpenSSL just before.
std::string failure_text(const std::string& peer);

// Why a certificate was refused, with its subject and, where it is for somebody else, its names.
std::string certificate_text(x509_store_ctx_st& store, const std::string& peer);

}  // namespace saker::tls
