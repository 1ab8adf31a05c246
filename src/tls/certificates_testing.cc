#include "saker/tls/certificates_testing.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace saker::tls::test {
namespace {

void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "certificates_testing: %s\n", what);
  std::exit(1);
}

EVP_PKEY* make_key() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  must(key != nullptr, "key");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

X509* make_certificate(const Wanted& wanted, EVP_PKEY* key) {
  static std::atomic<long> next_serial{1};
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), next_serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.valid_until_s);
  X509_set_pubkey(certificate, key);
  const auto* name = reinterpret_cast<const unsigned char*>(wanted.common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, name, -1, -1,
                             0);
  return certificate;
}

template <typename Write>
std::string to_pem(Write write) {
  BIO* out = BIO_new(BIO_s_mem());
  must(write(out) == 1, "PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

std::string certificate_pem(X509* certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

}  // namespace

TestCa::TestCa(const std::string& common_name) : key_(make_key()) {
  Wanted wanted;
  wanted.common_name = common_name;
  certificate_ = make_certificate(wanted, key_);
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  add_extension(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_, certificate_, NID_subject_key_identifier, "hash");
  must(X509_sign(certificate_, key_, EVP_sha256()) != 0, "sign");
}

TestCa::~TestCa() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

Pem TestCa::certificate() const {
  return {certificate_pem(certificate_), "ca.pem"};
}

Issued TestCa::issue(const Wanted& wanted) const {
  EVP_PKEY* key = make_key();
  X509* certificate = make_certificate(wanted, key);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  add_extension(certificate, certificate_, NID_basic_constraints, "critical,CA:FALSE");
  if (!wanted.names.empty()) {
    add_extension(certificate, certificate_, NID_subject_alt_name, wanted.names.c_str());
  }
  must(X509_sign(certificate, key_, EVP_sha256()) != 0, "sign");
  Issued out;
  out.chain = {certificate_pem(certificate), wanted.common_name + ".pem"};
  out.key = {to_pem([&](BIO* to) {
               return PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
             }),
             wanted.common_name + "-key.pem"};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

Contexts make_contexts() {
  static const TestCa ca;
  static const Issued server = ca.issue();
  static const Issued client =
      ca.issue({.common_name = "client", .names = "URI:spiffe://test/client,DNS:client.test"});
  auto server_context = ServerContext::make({server.chain, server.key, ca.certificate(), true});
  auto client_context = ClientContext::make({ca.certificate(), client.chain, client.key, false});
  must(server_context && client_context, "contexts");
  return {*std::move(server_context), *std::move(client_context)};
}

Contexts make_one_sided_contexts(const Wanted& wanted) {
  const TestCa ca;
  const Issued server = ca.issue(wanted);
  auto server_context = ServerContext::make({server.chain, server.key, {}, false});
  auto client_context = ClientContext::make({ca.certificate(), {}, {}, false});
  must(server_context && client_context, "contexts");
  return {*std::move(server_context), *std::move(client_context)};
}

Handshakes handshakes_of(const ServerContext& context) {
  return {SSL_CTX_sess_accept_good(context.get()), SSL_CTX_sess_hits(context.get())};
}

}  // namespace saker::tls::test
