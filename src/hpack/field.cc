// Names to tokens, and which bytes names and values may hold. The name tables are by length: a
// literal's name is compared with the few names of its own length only.
// RFC 9113 section 8.2.1 and 8.2.2.
#include "saker/hpack/field.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace saker::hpack {
namespace {

// Constant length, so that the comparison becomes a few integer loads.
template <size_t N>
bool is(const char* name, const char (&literal)[N]) {
  return std::memcmp(name, literal, N - 1) == 0;
}

Token pseudo_token_of(std::string_view name) {
  const char* const p = name.data();
  switch (name.size()) {
    case 5:
      return is(p, ":path") ? Token::kPath : Token::kUnknownPseudo;
    case 7:
      if (is(p, ":method")) return Token::kMethod;
      if (is(p, ":scheme")) return Token::kScheme;
      return is(p, ":status") ? Token::kStatus : Token::kUnknownPseudo;
    case 9:
      return is(p, ":protocol") ? Token::kProtocol : Token::kUnknownPseudo;
    case 10:
      return is(p, ":authority") ? Token::kAuthority : Token::kUnknownPseudo;
    default:
      return Token::kUnknownPseudo;
  }
}

// `p` begins with "grpc-".
Token grpc_token_of(const char* p, size_t size) {
  switch (size) {
    case 11:
      return is(p, "grpc-status") ? Token::kGrpcStatus : Token::kGrpcReserved;
    case 12:
      if (is(p, "grpc-timeout")) return Token::kGrpcTimeout;
      return is(p, "grpc-message") ? Token::kGrpcMessage : Token::kGrpcReserved;
    case 13:
      return is(p, "grpc-encoding") ? Token::kGrpcEncoding : Token::kGrpcReserved;
    case 20:
      return is(p, "grpc-accept-encoding") ? Token::kGrpcAcceptEncoding : Token::kGrpcReserved;
    case 22:
      return is(p, "grpc-retry-pushback-ms") ? Token::kGrpcRetryPushbackMs : Token::kGrpcReserved;
    case 23:
      return is(p, "grpc-status-details-bin") ? Token::kGrpcStatusDetailsBin : Token::kGrpcReserved;
    case 26:
      return is(p, "grpc-previous-rpc-attempts") ? Token::kGrpcPreviousRpcAttempts
                                                 : Token::kGrpcReserved;
    default:
      return Token::kGrpcReserved;
  }
}

Token plain_token_of(const char* p, size_t size) {
  switch (size) {
    case 2:
      return is(p, "te") ? Token::kTe : Token::kOther;
    case 4:
      return is(p, "host") ? Token::kHost : Token::kOther;
    case 6:
      return is(p, "cookie") ? Token::kCookie : Token::kOther;
    case 7:
      return is(p, "upgrade") ? Token::kConnection : Token::kOther;
    case 10:
      if (is(p, "user-agent")) return Token::kUserAgent;
      return is(p, "connection") || is(p, "keep-alive") ? Token::kConnection : Token::kOther;
    case 12:
      return is(p, "content-type") ? Token::kContentType : Token::kOther;
    case 14:
      return is(p, "content-length") ? Token::kContentLength : Token::kOther;
    case 16:
      return is(p, "proxy-connection") ? Token::kConnection : Token::kOther;
    case 17:
      return is(p, "transfer-encoding") ? Token::kConnection : Token::kOther;
    default:
      return Token::kOther;
  }
}

// Visible ASCII without upper case; ':' is left out, for it may only come first.
constexpr std::array<bool, 256> kNameBytes = [] {
  std::array<bool, 256> legal{};
  for (size_t byte = 0x21; byte < 0x7f; ++byte) legal[byte] = byte < 'A' || byte > 'Z';
  legal[':'] = false;
  return legal;
}();

constexpr uint64_t kEveryByte = 0x0101010101010101;

// Whether any of the eight bytes is below 0x0e: NUL, LF and CR are, and of what is legal in
// practice only the tab.
bool has_low_byte(uint64_t bytes) {
  return ((bytes - kEveryByte * 0x0e) & ~bytes & (kEveryByte * 0x80)) != 0;
}

bool is_forbidden_in_value(char byte) {
  return byte == '\0' || byte == '\r' || byte == '\n';
}

bool has_forbidden_byte(std::string_view value) {
  for (const char byte : value) {
    if (is_forbidden_in_value(byte)) return true;
  }
  return false;
}

// `value` has four bytes or more.
bool has_low_byte_anywhere(std::string_view value) {
  const char* at = value.data();
  if (value.size() < sizeof(uint64_t)) {
    uint32_t head;
    uint32_t tail;
    std::memcpy(&head, at, sizeof head);
    std::memcpy(&tail, at + value.size() - sizeof tail, sizeof tail);
    return has_low_byte(uint64_t{head} << 32 | tail);
  }
  const char* const last = at + value.size() - sizeof(uint64_t);
  uint64_t word;
  for (; at < last; at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    if (has_low_byte(word)) return true;
  }
  std::memcpy(&word, last, sizeof word);  // the last eight, overlapping what was looked at
  return has_low_byte(word);
}

}  // namespace

Token token_of(std::string_view name) {
  if (name.empty()) return Token::kOther;
  if (name[0] == ':') return pseudo_token_of(name);
  if (name.size() >= 5 && is(name.data(), "grpc-")) return grpc_token_of(name.data(), name.size());
  return plain_token_of(name.data(), name.size());
}

bool is_legal_name(std::string_view name) {
  if (!name.empty() && name[0] == ':') name.remove_prefix(1);
  if (name.empty()) return false;
  for (const char byte : name) {
    if (!kNameBytes[static_cast<uint8_t>(byte)]) return false;
  }
  return true;
}

bool is_legal_value(std::string_view value) {
  if (has_blank_edge(value)) return false;
  if (value.size() < sizeof(uint32_t)) return !has_forbidden_byte(value);
  return !has_low_byte_anywhere(value) || !has_forbidden_byte(value);
}

}  // namespace saker::hpack
