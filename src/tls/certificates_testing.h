// For tests: a certificate authority in memory, and what it issues. P-256 keys, made in microseconds.
#pragma once

#include <memory>
#include <string>

#include "saker/tls/context.h"

struct evp_pkey_st;
struct x509_st;

namespace saker::tls::test {

struct Issued {
  Pem chain;
  Pem key;
};

struct Wanted {
  std::string common_name = "server";
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as openssl-x509v3_config(5) writes them
  int valid_from_s = -3600;                          // from now
  int valid_until_s = 24 * 3600;
};

class TestCa {
 public:
  explicit TestCa(const std::string& common_name = "test CA");
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  Pem certificate() const;
  Issued issue(const Wanted& wanted = {}) const;

 private:
  evp_pkey_st* key_;
  x509_st* certificate_;
};

struct Contexts {
  ServerContext server;
  ClientContext client;
};

// Both sides show a certificate of the same CA: the server for localhost and 127.0.0.1, the client as
// "spiffe://test/client". The same ones each time.
Contexts make_contexts();
// The server asks for no certificate, and the client shows none.
Contexts make_one_sided_contexts(const Wanted& server = {});

// What the connections of one server's context have done so far.
struct Handshakes {
  long done = 0;
  long resumed = 0;  // of these, those that needed no certificate
  bool operator==(const Handshakes&) const = default;
};
Handshakes handshakes_of(const ServerContext& context);

}  // namespace saker::tls::test
