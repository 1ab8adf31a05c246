// Any fields through the encoder and back through the decoder, with changes of the table's size on
// the way: what comes out is what went in, and both tables hold the same.
#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "saker/hpack/decoder.h"
#include "saker/hpack/encoder.h"

namespace saker {
namespace {

constexpr const char* kNames[] = {":path",         "te",  "grpc-status",  "grpc-timeout",
                                  "authorization", "x-a", "content-type", "x-another-name"};
using Text = std::pair<std::string, std::string>;

std::vector<Text> take_fields(FuzzedDataProvider& input) {
  std::vector<Text> fields(input.ConsumeIntegralInRange<size_t>(0, 12));
  for (Text& field : fields) {
    field.first =
        input.ConsumeBool() ? input.PickValueInArray(kNames) : input.ConsumeRandomLengthString(40);
    field.second = input.ConsumeRandomLengthString(300);
  }
  return fields;
}

std::vector<uint8_t> encode(hpack::Encoder& encoder, const std::vector<Text>& fields,
                            FuzzedDataProvider& input) {
  std::vector<hpack::OutField> out;
  for (const auto& [name, value] : fields) {
    out.push_back({name, value, static_cast<hpack::Indexing>(input.ConsumeIntegralInRange(0, 3))});
  }
  std::vector<uint8_t> block(hpack::Encoder::max_encoded_bytes(out));
  block.resize(encoder.encode(out, block.data()));
  return block;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  hpack::Encoder encoder;
  static hpack::DecoderScratch scratch;  // large; holds nothing between blocks
  hpack::Decoder decoder({.max_list_bytes = 1 << 20, .max_fields = 1000}, scratch);
  while (input.remaining_bytes() != 0) {
    if (input.ConsumeIntegralInRange(0, 7) == 0) {
      const auto bytes = input.ConsumeIntegralInRange<uint32_t>(0, 6000);
      decoder.set_max_table_bytes(bytes);
      encoder.set_peer_max_table_bytes(bytes);
    }
    const std::vector<Text> fields = take_fields(input);
    const fuzz::Piece block{Bytes(encode(encoder, fields, input))};
    hpack::DecodedBlock decoded;
    fuzz::expect(decoder.decode(block, decoded), "what we encode decodes");
    fuzz::expect(!decoded.truncated && decoded.fields.size() == fields.size(), "all fields");
    for (size_t at = 0; at < fields.size(); ++at) {
      fuzz::expect(decoded.fields[at].name == fields[at].first, "the name");
      fuzz::expect(decoded.fields[at].value == fields[at].second, "the value");
    }
    fuzz::expect(decoder.table_bytes() == encoder.table_bytes(), "equal tables");
  }
  return 0;
}
