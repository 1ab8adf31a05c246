// PeerIdentity: who the other end of a TLS connection has proved to be, by its certificate. Only of
// certificates that were verified (RFC 5280 section 4.2.1.6 for the names).
#pragma once

#include <string>
#include <vector>

struct x509_st;

namespace saker::tls {

struct PeerIdentity {
  std::string subject{};            // RFC 2253: "CN=client,O=Example"
  std::vector<std::string> uris{};  // URI names: "spiffe://example.org/signer"
  std::vector<std::string> dns{};   // DNS names

  // The first URI name, or DNS name, or the subject: one word for logs.
  const std::string& name() const;
};

// Names with a NUL or another control character in them are left out: they are made to be misread.
PeerIdentity read_identity(const x509_st& certificate);

// DNS and IP names as text, for messages: "localhost, 127.0.0.1".
std::string names_of(const x509_st& certificate);

}  // namespace saker::tls
