#include "saker/tls/identity.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace saker::tls {
namespace {

using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

Names alternative_names(const X509& certificate) {
  void* names = X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr);
  return {static_cast<GENERAL_NAMES*>(names), &GENERAL_NAMES_free};
}

std::string_view text_of(const ASN1_STRING* string) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  return {data, static_cast<size_t>(ASN1_STRING_length(string))};
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string subject_of(const X509& certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), &BIO_free_all);
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  if (out == nullptr || X509_NAME_print_ex(out.get(), subject, 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string ip_text(const ASN1_OCTET_STRING* address) {
  const std::unique_ptr<char, void (*)(char*)> text(i2s_ASN1_OCTET_STRING(nullptr, address),
                                                    [](char* p) { OPENSSL_free(p); });
  const auto* bytes = ASN1_STRING_get0_data(address);
  if (ASN1_STRING_length(address) != 4) return text == nullptr ? "" : text.get();
  std::string out;
  for (int i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
  return out;
}

}  // namespace

const std::string& PeerIdentity::name() const {
  return !uris.empty() ? uris.front() : !dns.empty() ? dns.front() : subject;
}

PeerIdentity read_identity(const X509& certificate) {
  PeerIdentity out;
  out.subject = subject_of(certificate);
  const Names names = alternative_names(certificate);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI && name->type != GEN_DNS) continue;
    const std::string_view text = text_of(name->d.ia5);
    if (is_printable(text)) (name->type == GEN_URI ? out.uris : out.dns).emplace_back(text);
  }
  return out;
}

std::string names_of(const X509& certificate) {
  std::string out;
  const Names names = alternative_names(certificate);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS && is_printable(text_of(name->d.ia5))) text = text_of(name->d.ia5);
    if (name->type == GEN_IPADD) text = ip_text(name->d.iPAddress);
    if (!text.empty()) out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

}  // namespace saker::tls
