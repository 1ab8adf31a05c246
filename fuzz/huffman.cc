// Any bytes as Huffman code, and any text through both directions: decoding never writes past its
// bound, what it accepts encodes to the same bytes again, and a text comes back as it went.
#include <string>
#include <vector>

#include "fuzz.h"
#include "saker/hpack/huffman.h"

namespace saker {
namespace {

struct Decoded {
  hpack::HuffmanText result;
  std::string text;
};

Decoded decode(Bytes coded) {
  const auto room = hpack::max_huffman_decoded_bytes(coded.size());
  const auto out = std::make_unique<char[]>(room);
  Decoded decoded{hpack::huffman_decode(coded, out.get()), {}};
  fuzz::expect(!decoded.result.ok || decoded.result.bytes <= room, "within the bound");
  if (decoded.result.ok) decoded.text.assign(out.get(), decoded.result.bytes);
  return decoded;
}

std::vector<uint8_t> encode(std::string_view text) {
  std::vector<uint8_t> coded(hpack::huffman_encoded_bytes(text));
  fuzz::expect(hpack::huffman_encode(text, coded.data()) == coded.data() + coded.size(),
               "exactly the size it said");
  return coded;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  const Bytes bytes(data, size);
  const fuzz::Piece coded(bytes);
  const Decoded decoded = decode(coded);
  if (decoded.result.ok) {
    const auto again = encode(decoded.text);
    fuzz::expect(std::ranges::equal(again, bytes), "the code of a text is unique");
    const bool forbidden =
        decoded.text.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos;
    fuzz::expect(decoded.result.has_forbidden == forbidden, "has_forbidden");
  }
  const auto encoded = encode(as_text(bytes));
  const Decoded back = decode(fuzz::Piece{Bytes(encoded)});
  fuzz::expect(back.result.ok && back.text == as_text(bytes), "a text comes back");
  return 0;
}
