// Blocks of any bytes into the decoder: it never reads past a block, keeps its limits, and two
// decoders that got the same blocks say the same, whatever else shares their scratch.
#include <string>
#include <utility>

#include "fuzz.h"
#include "saker/hpack/decoder.h"

namespace saker {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2

void check_limits(const hpack::DecoderOptions& options, const hpack::Decoder& decoder,
                  const hpack::DecodedBlock& block) {
  size_t list = 0;
  for (const hpack::Field& field : block.fields) {
    list += field.name.size() + field.value.size() + kFieldOverhead;
    for (const char c : field.value) fuzz::expect(c != '\0' || !field.legal, "no NUL in a value");
  }
  fuzz::expect(block.fields.size() <= options.max_fields, "max_fields");
  fuzz::expect(list <= options.max_list_bytes, "max_list_bytes");
  fuzz::expect(decoder.table_bytes() <= std::max(options.max_table_bytes, 4096u), "table");
}

std::string text_of(const hpack::DecodedBlock& block) {
  std::string text = block.truncated ? "truncated" : "";
  for (const hpack::Field& field : block.fields) {
    text.append("\n").append(field.name).append("\t").append(field.value);
  }
  return text;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  const hpack::DecoderOptions options = {.max_table_bytes = input.ConsumeIntegral<uint16_t>(),
                                         .max_list_bytes = input.ConsumeIntegral<uint16_t>(),
                                         .max_fields = input.ConsumeIntegral<uint8_t>()};
  hpack::DecoderScratch scratch;
  hpack::DecoderScratch other_scratch;
  hpack::Decoder decoder(options, scratch);
  hpack::Decoder other(options, other_scratch);
  while (input.remaining_bytes() != 0) {
    if (input.ConsumeIntegralInRange(0, 15) == 0) {
      const auto bytes = input.ConsumeIntegralInRange<uint32_t>(0, options.max_table_bytes);
      decoder.set_max_table_bytes(bytes);
      other.set_max_table_bytes(bytes);
    }
    const auto bytes = input.ConsumeBytes<uint8_t>(input.ConsumeIntegral<uint8_t>());
    hpack::DecodedBlock block;
    hpack::DecodedBlock again;
    bool ok = false;
    std::string text;
    {
      const fuzz::Piece piece{Bytes(bytes)};
      ok = decoder.decode(piece, block);
      if (ok) {
        check_limits(options, decoder, block);
        text = text_of(block);
      }
    }
    const fuzz::Piece piece{Bytes(bytes)};
    fuzz::expect(other.decode(piece, again) == ok, "the same verdict");
    if (!ok) break;
    fuzz::expect(text_of(again) == text, "the same fields");
    fuzz::expect(decoder.table_bytes() == other.table_bytes(), "the same table");
  }
  return 0;
}
