#include "saker/tls/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

#include "saker/tls/identity.h"

namespace saker::tls {
namespace {

struct Alert {
  int number;
  std::string_view text;
};

// Alerts that say more than their name (RFC 8446 section 6.2).
constexpr Alert kAlerts[] = {
    {SSL_AD_HANDSHAKE_FAILURE, "found nothing in common with us"},
    {SSL_AD_BAD_CERTIFICATE, "refuses our certificate"},
    {SSL_AD_CERTIFICATE_EXPIRED, "says that our certificate has expired"},
    {SSL_AD_UNKNOWN_CA, "does not know the CA of our certificate"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "refuses our certificate"},
    {SSL_AD_PROTOCOL_VERSION, "does not speak our versions of TLS, 1.2 and 1.3"},
    {SSL_AD_CERTIFICATE_REQUIRED, "requires a certificate of ours, and there is none"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "does not speak HTTP/2 (ALPN h2)"},
};

std::string alert_text(const std::string& peer, int alert) {
  const auto* known = std::ranges::find(kAlerts, alert, &Alert::number);
  const std::string name = SSL_alert_desc_string_long(alert);
  if (known == std::end(kAlerts)) return peer + " ended the connection (alert: " + name + ")";
  return peer + " " + std::string(known->text) + " (alert: " + name + ")";
}

std::string reason_text(const std::string& peer, int reason, const std::string& words) {
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return peer + " sent no certificate, and one is required";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
      return peer + " speaks only versions of TLS before 1.2";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_WRONG_CIPHER_RETURNED:
      return peer + " has no cipher suite that HTTP/2 allows (RFC 9113 section 9.2.2)";
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return peer + " does not offer HTTP/2 (ALPN h2)";
    default:
      return peer + " broke the protocol (" + words + ")";
  }
}

std::string subject_text(const X509* certificate) {
  if (certificate == nullptr) return {};
  const std::string subject = read_identity(*certificate).subject;
  return subject.empty() ? std::string() : " (" + subject + ")";
}

}  // namespace

// The first error is the cause; what follows it are its consequences.
std::string failure_text(const std::string& peer) {
  const unsigned long error = ERR_peek_error();
  const char* words = ERR_reason_error_string(error);
  const int reason = ERR_GET_REASON(error);
  ERR_clear_error();
  const bool is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
  if (is_ssl && reason >= SSL_AD_REASON_OFFSET) {
    return alert_text(peer, reason - SSL_AD_REASON_OFFSET);
  }
  const std::string known = words == nullptr ? "error " + std::to_string(error) : words;
  return is_ssl ? reason_text(peer, reason, known) : peer + " sent what cannot be read: " + known;
}

std::string certificate_text(X509_STORE_CTX& store, const std::string& peer) {
  const int error = X509_STORE_CTX_get_error(&store);
  const X509* certificate = X509_STORE_CTX_get_current_cert(&store);
  std::string text = peer + "'s certificate";
  if (certificate != nullptr &&
      (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
    const std::string names = names_of(*certificate);
    return text + " is not for the name that was asked for; it is for " +
           (names.empty() ? "none" : names);
  }
  return text + " is not trusted: " + X509_verify_cert_error_string(error) +
         subject_text(certificate);
}

}  // namespace saker::tls
