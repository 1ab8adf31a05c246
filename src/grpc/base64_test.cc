// Base64: the vectors of RFC 4648 section 10, padding present and absent, every foreign byte in
// every place. Buffers are exactly as large as the size functions say,
// so that a sanitizer sees any excess.
#include "saker/grpc/base64.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

namespace saker::grpc {
namespace {

std::string encoded(std::string_view bytes) {
  const size_t size = base64_encoded_size(bytes.size());
  const std::unique_ptr<char[]> out(new char[size]);
  EXPECT_EQ(base64_encode(as_bytes(bytes), out.get()), size);
  return {out.get(), size};
}

std::optional<std::string> decoded(std::string_view text) {
  const size_t room = base64_max_decoded_size(text.size());
  const std::unique_ptr<uint8_t[]> out(new uint8_t[room]);
  const auto size = base64_decode(text, out.get());
  if (!size) return std::nullopt;
  EXPECT_LE(*size, room);
  return std::string(as_text({out.get(), *size}));
}

TEST(Base64, Rfc4648Vectors) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, padded] : vectors) {
    std::string unpadded = padded;
    while (unpadded.ends_with('=')) unpadded.pop_back();
    EXPECT_EQ(encoded(plain), unpadded);
    EXPECT_EQ(decoded(padded), plain);
    EXPECT_EQ(decoded(unpadded), plain);
  }
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const char* text : {"A",        "AAAAA", "=",     "==",     "===",      "====", "A===",
                           "A=",       "AA=",   "AAA==", "AAAA=",  "AA==AAAA", "A=AA", "AA=A",
                           "AAAA====", "Zm9v=", "Zm 9",  "Zm9v\n", "-_-_",     "Zg==="}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesEveryForeignByteInEveryPlace) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t size : {2u, 3u, 4u, 6u, 7u, 8u}) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'A');
        text[place] = static_cast<char>(byte);
        const bool is_padding = byte == '=' && place + 1 == size && size % 4 == 0;
        const bool legal =
            is_padding || alphabet.find(static_cast<char>(byte)) != std::string_view::npos;
        ASSERT_EQ(decoded(text).has_value(), legal) << size << ' ' << place << ' ' << byte;
      }
    }
  }
}

TEST(Base64, UnusedBitsAreIgnored) {
  EXPECT_EQ(decoded("Zh"), "f");
}

TEST(Base64, RandomBytesRoundTrip) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string text = encoded(bytes);
    ASSERT_EQ(decoded(text), bytes);
    while (text.size() % 4 != 0) text.push_back('=');
    ASSERT_EQ(decoded(text), bytes);
  }
}

}  // namespace
}  // namespace saker::grpc
