// The same blocks to our decoder and to libnghttp2's: what both accept they read alike, and each
// accepts what the other does. Deliberately stricter than nghttp2: integers that are longer than
// ours may be, and a third table size update in one block.
#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "saker/hpack/decoder.h"

namespace saker {
namespace {

struct DeleteInflater {
  void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
};
using Inflater = std::unique_ptr<nghttp2_hd_inflater, DeleteInflater>;

std::string_view text_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Appends "name\tvalue\n" for each field. False: refused.
bool inflate(nghttp2_hd_inflater* inflater, Bytes block, std::string& out) {
  for (;;) {
    nghttp2_nv pair;
    int flags = 0;
    const auto used =
        nghttp2_hd_inflate_hd2(inflater, &pair, &flags, block.data(), block.size(), 1);
    if (used < 0) return false;
    block = block.subspan(static_cast<size_t>(used));
    const bool emits = (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    if (emits) {
      out.append(text_of(pair.name, pair.namelen)).append("\t");
      out.append(text_of(pair.value, pair.valuelen)).append("\n");
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      return nghttp2_hd_inflate_end_headers(inflater) == 0;
    }
    if (!emits && block.empty()) return true;
  }
}

bool is_stricter_here(std::string_view why) {
  return why.find("too large") != std::string_view::npos ||
         why.find("size update") != std::string_view::npos;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  nghttp2_hd_inflater* raw = nullptr;
  if (nghttp2_hd_inflate_new(&raw) != 0) return 0;
  const Inflater theirs(raw);
  static hpack::DecoderScratch scratch;  // large; holds nothing between blocks
  hpack::Decoder ours({.max_list_bytes = 1 << 20, .max_fields = 10'000}, scratch);
  while (input.remaining_bytes() != 0) {
    const auto bytes = input.ConsumeBytes<uint8_t>(input.ConsumeIntegral<uint16_t>());
    const fuzz::Piece block{Bytes(bytes)};
    std::string expected;
    hpack::DecodedBlock decoded;
    const bool they = inflate(theirs.get(), block, expected);
    const bool we = ours.decode(block, decoded);
    fuzz::expect(they || !we, "we accept only what they accept");
    fuzz::expect(we || !they || is_stricter_here(ours.why()), "they accept only what we accept");
    if (!we || !they) break;
    std::string got;
    for (const hpack::Field& field : decoded.fields) {
      got.append(field.name).append("\t").append(field.value).append("\n");
    }
    fuzz::expect(decoded.truncated ? expected.starts_with(got) : got == expected,
                 "the same fields");
    fuzz::expect(ours.table_bytes() == nghttp2_hd_inflate_get_dynamic_table_size(theirs.get()),
                 "the same table");
  }
  return 0;
}
