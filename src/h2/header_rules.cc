#include "saker/h2/header_rules.h"

#include <strings.h>

#include <charconv>

namespace saker::h2 {
namespace {

using hpack::Field;
using hpack::Token;

constexpr uint32_t bit(Token token) {
  return uint32_t{1} << static_cast<uint8_t>(token);
}

constexpr uint32_t kPseudo = bit(Token::kAuthority) | bit(Token::kMethod) | bit(Token::kPath) |
                             bit(Token::kScheme) | bit(Token::kStatus) | bit(Token::kProtocol) |
                             bit(Token::kUnknownPseudo);
constexpr uint32_t kRequestPseudo =
    bit(Token::kAuthority) | bit(Token::kMethod) | bit(Token::kPath) | bit(Token::kScheme);
constexpr uint32_t kRequestRequired = bit(Token::kMethod) | bit(Token::kPath) | bit(Token::kScheme);
// Tokens that a pass over the fields has to stop at; all others only need to be legal.
constexpr uint32_t kNoteworthy =
    kPseudo | bit(Token::kConnection) | bit(Token::kContentLength) | bit(Token::kTe);

bool parse_decimal(std::string_view text, int64_t& value) {
  if (text.empty() || text.size() > 18 || text[0] < '0' || text[0] > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// HTTP/2 has no 101 (RFC 9113 section 8.6).
bool parse_status(std::string_view text, int& status) {
  int64_t value = 0;
  if (text.size() != 3 || !parse_decimal(text, value) || value < 100 || value == 101) return false;
  status = static_cast<int>(value);
  return true;
}

// A literal of a grammar fits in any case (RFC 5234 section 2.3, RFC 9110 section 10.1.4).
bool is_trailers(std::string_view text) {
  constexpr std::string_view kTrailers = "trailers";
  if (text == kTrailers) [[likely]]
    return true;
  return text.size() == kTrailers.size() &&
         strncasecmp(text.data(), kTrailers.data(), text.size()) == 0;
}

// A field that is not a pseudo-header field but has a rule of its own.
const char* check_special(const Field& field, HeadFacts& facts) {
  switch (field.token) {
    case Token::kConnection:
      return "connection-specific header field";
    case Token::kTe:
      return is_trailers(field.value) ? nullptr : "te is not \"trailers\"";
    case Token::kContentLength: {
      int64_t value = 0;
      if (!parse_decimal(field.value, value)) return "content-length is not a number";
      if (facts.content_length >= 0 && facts.content_length != value) {
        return "content-length fields contradict each other";
      }
      facts.content_length = value;
      return nullptr;
    }
    default:
      return nullptr;
  }
}

// gRPC's percent-encoding leaves spaces alone (PROTOCOL-HTTP2.md "Percent-Byte-Unencoded"), so that
// a status message that ends in one arrives with what RFC 9113 section 8.2.1 forbids in any field.
// It says nothing of the request or the connection.
bool is_message_with_blank_edges(const Field& field) {
  if (field.token != Token::kGrpcMessage) return false;
  const size_t first = field.value.find_first_not_of(' ');
  if (first == std::string_view::npos) return true;
  const size_t last = field.value.find_last_not_of(' ');
  return hpack::is_legal_value(field.value.substr(first, last - first + 1));
}

// One pass: order, duplicates and legality; `allowed` are the pseudo-header fields
// this kind of block may have.
uint32_t scan(std::span<const Field> fields, uint32_t allowed, HeadFacts& facts) {
  uint32_t seen = 0;
  bool regular_seen = false;
  bool legal = true;
  for (const Field& field : fields) {
    const uint32_t token = bit(field.token);
    if (!field.legal) [[unlikely]]
      legal = legal && is_message_with_blank_edges(field);
    if ((token & kNoteworthy) == 0) {
      regular_seen = true;
      continue;
    }
    if ((token & kPseudo) != 0) {
      if ((token & allowed) == 0) facts.malformed = "unexpected pseudo-header field";
      if ((token & seen) != 0) facts.malformed = "pseudo-header field twice";
      if (regular_seen) facts.malformed = "pseudo-header field after a regular one";
      seen |= token;
      if (field.token == Token::kStatus && !parse_status(field.value, facts.status)) {
        facts.malformed = ":status is not a three-digit number";
      }
      if (field.token == Token::kPath && field.value.empty()) facts.malformed = ":path is empty";
      continue;
    }
    regular_seen = true;
    if (const char* why = check_special(field, facts)) facts.malformed = why;
  }
  if (!legal) facts.malformed = "illegal character in a header field";
  return seen;
}

}  // namespace

HeadFacts check_request(std::span<const Field> fields) {
  HeadFacts facts;
  const uint32_t seen = scan(fields, kRequestPseudo, facts);
  if (facts.malformed == nullptr && (seen & kRequestRequired) != kRequestRequired) {
    facts.malformed = "a request lacks :method, :scheme or :path";
  }
  return facts;
}

HeadFacts check_response(std::span<const Field> fields) {
  HeadFacts facts;
  scan(fields, bit(Token::kStatus), facts);
  if (facts.malformed == nullptr && facts.status == 0) facts.malformed = "a response lacks :status";
  return facts;
}

HeadFacts check_trailers(std::span<const Field> fields) {
  HeadFacts facts;
  scan(fields, 0, facts);
  return facts;
}

}  // namespace saker::h2
