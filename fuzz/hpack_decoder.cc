// Blocks of any bytes into the decoder: it never reads past a block, keeps its limits, and two
// decoders that got the same blocks say the same, whatever else shares their scratch.
//
// The decoder is given whole blocks; who cuts and joins them is the connection. So the same blocks
// also come as requests, or as responses and trailers, to four connections: in one HEADERS frame, cut
// anywhere into HEADERS and CONTINUATIONs, empty ones too, the same by turns that may do little work, and
// cut into single bytes. However a block is cut within max_continuations, the same fields are heard, the
// same frames are answered, the tables are the same; and a connection ends with COMPRESSION_ERROR where
// the decoder refuses, not elsewhere.
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "connection.h"
#include "saker/hpack/decoder.h"

namespace saker {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2
constexpr size_t kMostBlockBytes = 255;
constexpr size_t kMostBlocks = 64;

struct Block {
  std::vector<uint8_t> bytes;
  uint32_t max_table_bytes = UINT32_MAX;  // set before it, if it is not this
};

// ---- decoders

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

// False: refused.
bool decode_twice(const hpack::DecoderOptions& options, hpack::Decoder& decoder,
                  hpack::Decoder& other, const Block& block) {
  hpack::DecodedBlock decoded;
  hpack::DecodedBlock again;
  bool ok = false;
  std::string text;
  {
    const fuzz::Piece piece{Bytes(block.bytes)};
    ok = decoder.decode(piece, decoded);
    if (ok) {
      check_limits(options, decoder, decoded);
      text = text_of(decoded);
    }
  }
  const fuzz::Piece piece{Bytes(block.bytes)};
  fuzz::expect(other.decode(piece, again) == ok, "the same verdict");
  if (!ok) return false;
  fuzz::expect(text_of(again) == text, "the same fields");
  fuzz::expect(decoder.table_bytes() == other.table_bytes(), "the same table");
  return true;
}

void check_decoders(const hpack::DecoderOptions& options, const std::vector<Block>& blocks) {
  hpack::DecoderScratch scratch;
  hpack::DecoderScratch other_scratch;
  hpack::Decoder decoder(options, scratch);
  hpack::Decoder other(options, other_scratch);
  for (const Block& block : blocks) {
    if (block.max_table_bytes != UINT32_MAX) {
      decoder.set_max_table_bytes(block.max_table_bytes);
      other.set_max_table_bytes(block.max_table_bytes);
    }
    if (!decode_twice(options, decoder, other, block)) return;
  }
}

// ---- connections

// Sizes of the pieces of a block but the last.
using Cuts = std::vector<size_t>;

class Connections {
 public:
  Connections(h2::Role role, const hpack::DecoderOptions& options, size_t blocks) : role_(role) {
    for (auto& endpoint : endpoints_) {
      endpoint = std::make_unique<h2::Endpoint>(role, options_for(options));
      for (size_t at = 0; role == h2::Role::kClient && at < blocks; at += 2) {
        endpoint->open(h2::kRequest, true);
      }
      h2::Peer peer;
      endpoint->settle(peer);
    }
  }

  // `work`: of one turn. False: the connections have ended, all for the same reason.
  bool recv(const Block& block, const Cuts& cuts, uint8_t work, bool is_legal) {
    const size_t all = block.bytes.size();
    const bool ends = role_ == h2::Role::kServer || count_ % 2 == 1;
    const auto id =
        static_cast<h2::StreamId>(1 + 2 * (role_ == h2::Role::kServer ? count_ : count_ / 2));
    ++count_;
    const std::string whole = feed(*endpoints_[0], id, ends, block, {});
    const std::string cut = feed(*endpoints_[1], id, ends, block, cuts);
    const std::string ones = feed(*endpoints_[2], id, ends, block, Cuts(all == 0 ? 0 : all - 1, 1));
    const std::string turns = feed(*endpoints_[3], id, ends, block, cuts, work);
    fuzz::expect(cut == whole, "cutting a block changes nothing");
    fuzz::expect(turns == whole, "nor do turns with little work");
    fuzz::expect(ones == whole, "nor does one byte at a time");
    const bool is_refused = (*endpoints_[0])->error().code == h2::ErrorCode::kCompressionError;
    fuzz::expect(is_refused == !is_legal, "refused where the decoder refuses");
    return (*endpoints_[0])->alive();
  }
  const hpack::Decoder& decoder() const { return (*endpoints_[0])->decoder(); }

 private:
  static h2::ConnectionOptions options_for(const hpack::DecoderOptions& options) {
    return {.max_concurrent_streams = 1 + kMostBlocks / 2,  // some are refused
            .max_header_list_bytes = options.max_list_bytes,
            .header_table_bytes = options.max_table_bytes,
            .max_header_fields = options.max_fields,
            .max_continuations = kMostBlockBytes};
  }
  static std::string feed(h2::Endpoint& endpoint, h2::StreamId id, bool ends, const Block& block,
                          const Cuts& cuts, uint8_t work = 0) {
    const uint8_t flags = ends ? h2::kFlagEndStream : uint8_t{0};
    h2::Peer peer;
    Bytes rest = block.bytes;
    h2::FrameType type = h2::FrameType::kHeaders;
    for (const size_t cut : cuts) {
      peer.frame(type, type == h2::FrameType::kHeaders ? flags : uint8_t{0}, id, rest.first(cut));
      rest = rest.subspan(cut);
      type = h2::FrameType::kContinuation;
    }
    const uint8_t first = type == h2::FrameType::kHeaders ? flags : uint8_t{0};
    peer.frame(type, first | h2::kFlagEndHeaders, id, rest);
    if (work == 0) {
      endpoint.recv(peer);
    } else {
      fuzz::Turns turns({&work, 1});
      fuzz::recv_by_turns(endpoint, peer.take(), turns);
    }
    const hpack::Decoder& decoder = endpoint->decoder();
    return fuzz::text_of(endpoint) + " " + std::to_string(decoder.table_bytes()) + " " +
           std::to_string(decoder.table_entries()) + " " + std::to_string(decoder.generation());
  }

  const h2::Role role_;
  size_t count_ = 0;
  std::unique_ptr<h2::Endpoint> endpoints_[4];  // whole, cut, in single bytes, cut and by turns
};

// Up to eight pieces in front of the last; some are empty.
Cuts draw_cuts(size_t bytes, std::mt19937& random) {
  Cuts cuts;
  for (size_t most = random() % 9; most != 0; --most) {
    cuts.push_back(random() % (bytes + 1));
    bytes -= cuts.back();
  }
  return cuts;
}

void check_connections(h2::Role role, const hpack::DecoderOptions& options,
                       const std::vector<Block>& blocks, uint16_t cuts_seed) {
  Connections connections(role, options, blocks.size());
  std::mt19937 random(cuts_seed);
  hpack::DecoderScratch scratch;
  hpack::Decoder decoder(options, scratch);
  decoder.set_max_table_bytes(options.max_table_bytes);  // our SETTINGS have been acknowledged
  for (const Block& block : blocks) {
    hpack::DecodedBlock decoded;
    const bool is_legal = decoder.decode(block.bytes, decoded);
    const Cuts cuts = draw_cuts(block.bytes.size(), random);
    const auto work = static_cast<uint8_t>(1 + random() % fuzz::Turns::kMostWork);
    if (!connections.recv(block, cuts, work, is_legal)) return;
    fuzz::expect(connections.decoder().table_bytes() == decoder.table_bytes(), "the decoder's");
  }
}

std::vector<Block> take_blocks(FuzzedDataProvider& input, const hpack::DecoderOptions& options) {
  std::vector<Block> blocks;
  while (input.remaining_bytes() != 0 && blocks.size() < kMostBlocks) {
    Block block;
    if (input.ConsumeIntegralInRange(0, 15) == 0) {
      block.max_table_bytes = input.ConsumeIntegralInRange<uint32_t>(0, options.max_table_bytes);
    }
    block.bytes = input.ConsumeBytes<uint8_t>(input.ConsumeIntegral<uint8_t>());
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  fuzz::fail_loudly();
  FuzzedDataProvider input(data, size);
  const auto cuts_seed = input.ConsumeIntegral<uint16_t>();
  const h2::Role role = input.ConsumeBool() ? h2::Role::kClient : h2::Role::kServer;
  const hpack::DecoderOptions options = {.max_table_bytes = input.ConsumeIntegral<uint16_t>(),
                                         .max_list_bytes = input.ConsumeIntegral<uint16_t>(),
                                         .max_fields = input.ConsumeIntegral<uint8_t>()};
  const std::vector<Block> blocks = take_blocks(input, options);
  check_decoders(options, blocks);
  check_connections(role, options, blocks, cuts_seed);
  return 0;
}
