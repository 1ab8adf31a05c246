// Tokens by table; legality over all 256 bytes at every position
// that the word-wise loops treat apart.
#include "saker/hpack/field.h"

#include <gtest/gtest.h>

#include <string>

namespace saker::hpack {
namespace {

TEST(Token, KnowsTheNamesThatMatter) {
  struct Row {
    const char* name;
    Token token;
  };
  constexpr Row kRows[] = {
      {"", Token::kOther},
      {":authority", Token::kAuthority},
      {":method", Token::kMethod},
      {":path", Token::kPath},
      {":scheme", Token::kScheme},
      {":status", Token::kStatus},
      {":protocol", Token::kProtocol},
      {":", Token::kUnknownPseudo},
      {":pith", Token::kUnknownPseudo},
      {":foo", Token::kUnknownPseudo},
      {":statuz", Token::kUnknownPseudo},
      {":protocox", Token::kUnknownPseudo},
      {":authorits", Token::kUnknownPseudo},
      {"connection", Token::kConnection},
      {"keep-alive", Token::kConnection},
      {"proxy-connection", Token::kConnection},
      {"transfer-encoding", Token::kConnection},
      {"upgrade", Token::kConnection},
      {"content-length", Token::kContentLength},
      {"content-type", Token::kContentType},
      {"te", Token::kTe},
      {"host", Token::kHost},
      {"user-agent", Token::kUserAgent},
      {"cookie", Token::kCookie},
      {"grpc-timeout", Token::kGrpcTimeout},
      {"grpc-encoding", Token::kGrpcEncoding},
      {"grpc-accept-encoding", Token::kGrpcAcceptEncoding},
      {"grpc-status", Token::kGrpcStatus},
      {"grpc-message", Token::kGrpcMessage},
      {"grpc-status-details-bin", Token::kGrpcStatusDetailsBin},
      {"grpc-previous-rpc-attempts", Token::kGrpcPreviousRpcAttempts},
      {"grpc-retry-pushback-ms", Token::kGrpcRetryPushbackMs},
      {"grpc-", Token::kGrpcReserved},
      {"grpc-tags-bin", Token::kGrpcReserved},
      {"grpc-trace-bin", Token::kGrpcReserved},
      {"grpc-statuz", Token::kGrpcReserved},
      {"grpc", Token::kOther},
      {"t", Token::kOther},
      {"tf", Token::kOther},
      {"hosx", Token::kOther},
      {"Content-Type", Token::kOther},
      {"connectiom", Token::kOther},
      {"x-custom", Token::kOther},
      {"authorization", Token::kOther},
  };
  for (const Row& row : kRows) EXPECT_EQ(token_of(row.name), row.token) << row.name;
}

TEST(Legality, OfNamesByteByByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool legal = byte > 0x20 && byte < 0x7f && !(byte >= 'A' && byte <= 'Z') && byte != ':';
    EXPECT_EQ(is_legal_name(std::string("a") + c), legal) << byte;
    EXPECT_EQ(is_legal_name(std::string(1, c) + "a"), legal || byte == ':') << byte;
  }
  EXPECT_FALSE(is_legal_name(""));
  EXPECT_FALSE(is_legal_name(":"));
  EXPECT_FALSE(is_legal_name("::a"));
}

// At every position of every length up to three words: the word loop and its overlapping tail.
TEST(Legality, OfValuesAtEveryPosition) {
  for (size_t size = 1; size <= 25; ++size) {
    for (size_t position = 0; position < size; ++position) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, 'v');
        value[position] = static_cast<char>(byte);
        const bool edge = position == 0 || position == size - 1;
        const bool blank = byte == ' ' || byte == '\t';
        const bool legal = byte != 0 && byte != '\r' && byte != '\n' && !(edge && blank);
        ASSERT_EQ(is_legal_value(value), legal) << size << " " << position << " " << byte;
      }
    }
  }
  EXPECT_TRUE(is_legal_value(""));
}

}  // namespace
}  // namespace saker::hpack
