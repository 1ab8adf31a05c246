// Cost of the heads of one unary call: decoding what the common gRPC clients send, encoding what a
// server answers. Each decode block is measured with the table as it stands after many calls.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "saker/hpack/decoder.h"
#include "saker/hpack/encoder.h"
#include "saker/hpack/huffman.h"
#include "saker/hpack/integer.h"
#include "saker/hpack/static_table.h"

namespace saker::hpack {
namespace {

using Block = std::vector<uint8_t>;

constexpr std::string_view kPath = "/saker.echo.v1.Echo/UnaryEcho";

std::vector<OutField> common_fields() {
  return {{":method", "POST"},
          {":scheme", "http"},
          {":authority", "localhost:50051"},
          {"te", "trailers"},
          {"content-type", "application/grpc"},
          {"user-agent", "grpc-c++/1.51.1 grpc-c/29.0.0 (linux; chttp2)"}};
}

Block encode(Encoder& encoder, const std::vector<OutField>& fields) {
  Block block(Encoder::max_encoded_bytes(fields));
  block.resize(encoder.encode(fields, block.data()));
  return block;
}

void put_huffman(Block& block, uint8_t pattern, unsigned prefix_bits, std::string_view name,
                 std::string_view value) {
  uint8_t integer[kMaxIntegerBytes];
  const auto put = [&](uint8_t* end) {
    block.insert(block.end(), static_cast<uint8_t*>(integer), end);
  };
  put(encode_integer(integer, pattern, prefix_bits, static_index_of(name)));
  Block coded(huffman_encoded_bytes(value));
  huffman_encode(value, coded.data());
  put(encode_integer(integer, 0x80, 7, static_cast<uint32_t>(coded.size())));
  block.insert(block.end(), coded.begin(), coded.end());
}

void measure(benchmark::State& state, Decoder& decoder, const Block& block, size_t fields) {
  for (auto _ : state) {
    DecodedBlock out;
    if (!decoder.decode(block, out) || out.fields.size() != fields) state.SkipWithError("decode");
    benchmark::DoNotOptimize(out);
  }
  state.SetLabel(std::to_string(block.size()) + " bytes, " + std::to_string(fields) + " fields");
}

void decode_indexed(benchmark::State& state) {
  DecoderScratch scratch;
  Decoder decoder({}, scratch);
  Encoder encoder;
  DecodedBlock out;
  std::vector<OutField> fields = common_fields();
  fields.push_back({":path", kPath});
  fields.push_back({"grpc-accept-encoding", "identity, deflate, gzip"});
  (void)decoder.decode(encode(encoder, fields), out);
  measure(state, decoder, encode(encoder, fields), 8);
}
BENCHMARK(decode_indexed);

// :path and content-length as libnghttp2 sends them: without indexing, Huffman coded if shorter.
void decode_nghttp2(benchmark::State& state) {
  DecoderScratch scratch;
  Decoder decoder({}, scratch);
  Encoder encoder;
  DecodedBlock out;
  (void)decoder.decode(encode(encoder, common_fields()), out);
  Block block = encode(encoder, common_fields());
  put_huffman(block, 0x00, 4, ":path", kPath);
  block.insert(block.end(), {0x0f, 0x0d, 0x02, '3', '7'});
  measure(state, decoder, block, 8);
}
BENCHMARK(decode_nghttp2);

// The same with nothing Huffman coded, as gRPC C++ and this project send.
void decode_raw_literals(benchmark::State& state) {
  DecoderScratch scratch;
  Decoder decoder({}, scratch);
  Encoder encoder;
  DecodedBlock out;
  (void)decoder.decode(encode(encoder, common_fields()), out);
  Block block = encode(encoder, common_fields());
  block.insert(block.end(), {0x04, static_cast<uint8_t>(kPath.size())});
  block.insert(block.end(), kPath.begin(), kPath.end());
  block.insert(block.end(), {0x0f, 0x0d, 0x02, '3', '7'});
  measure(state, decoder, block, 8);
}
BENCHMARK(decode_raw_literals);

// grpc-go inserts every grpc-timeout, and again what the timeouts pushed out.
void decode_inserted_timeout(benchmark::State& state) {
  DecoderScratch scratch;
  Decoder decoder({}, scratch);
  Encoder encoder;
  std::vector<Block> blocks;
  std::vector<std::string> timeouts;
  for (int i = 0; i < 4096; ++i) timeouts.push_back(std::to_string(9000000 + i) + "u");
  std::vector<OutField> fields = common_fields();
  fields.push_back({":path", kPath});
  for (const std::string& timeout : timeouts) {
    fields.resize(7);
    fields.push_back({"grpc-timeout", timeout, Indexing::kIndex});
    blocks.push_back(encode(encoder, fields));
  }
  // Every entry of the first round is gone at its end, so that the blocks may be repeated.
  encoder.set_peer_max_table_bytes(0);
  encoder.set_peer_max_table_bytes(4096);
  Block reset(16);
  reset.resize(encoder.encode({}, reset.data()));
  DecodedBlock out;
  size_t next = 0;
  for (auto _ : state) {
    if (next == blocks.size()) {
      next = 0;
      if (!decoder.decode(reset, out)) state.SkipWithError("reset");
    }
    if (!decoder.decode(blocks[next++], out) || out.fields.size() != 8)
      state.SkipWithError("decode");
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(decode_inserted_timeout);

void decode_traced_with_token(benchmark::State& state) {
  DecoderScratch scratch;
  Decoder decoder({}, scratch);
  Encoder encoder;
  DecodedBlock out;
  std::vector<OutField> fields = common_fields();
  fields.push_back({":path", kPath});
  fields.push_back({"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
  (void)decoder.decode(encode(encoder, fields), out);
  fields.back().value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  Block block = encode(encoder, fields);
  std::string token = "Bearer ";
  for (size_t i = 0; token.size() < 1024; ++i) {
    token.push_back("eyJhbGciOiJSUzI1NiIsImtpZCI6IjE5ZmUyYTdiNjc5Q_-Z"[(i * 7 + i / 48) % 48]);
  }
  put_huffman(block, 0x10, 4, "authorization", token);
  measure(state, decoder, block, 9);
}
BENCHMARK(decode_traced_with_token);

const std::vector<OutField> kResponseHead = {{":status", "200"},
                                             {"content-type", "application/grpc"},
                                             {"grpc-accept-encoding", "identity,gzip"}};

void encode_uncached(benchmark::State& state) {
  Encoder encoder;
  uint8_t out[512];
  for (auto _ : state) benchmark::DoNotOptimize(encoder.encode(kResponseHead, out));
}
BENCHMARK(encode_uncached);

void encode_cached(benchmark::State& state) {
  Encoder encoder;
  uint8_t out[512];
  CachedBlock cache;
  for (auto _ : state) {
    if (encoder.is_current(cache)) {
      std::memcpy(out, cache.bytes, CachedBlock::kMaxBytes);
      benchmark::DoNotOptimize(cache.size);
    } else {
      benchmark::DoNotOptimize(encoder.encode(kResponseHead, out, cache));
    }
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_cached);

void encode_request_with_timeout(benchmark::State& state) {
  Encoder encoder;
  uint8_t out[1024];
  std::vector<OutField> fields = common_fields();
  fields.push_back({":path", kPath});
  fields.push_back({"grpc-timeout", "1000m"});
  encoder.encode(fields, out);
  fields.back().value = "999m";
  for (auto _ : state) benchmark::DoNotOptimize(encoder.encode(fields, out));
}
BENCHMARK(encode_request_with_timeout);

}  // namespace
}  // namespace saker::hpack

BENCHMARK_MAIN();
