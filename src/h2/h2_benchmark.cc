// The cost of a unary exchange inside a server's Connection alone: buffers of 100 calls as h2load
// sends them (path and content-length as literals, the rest indexed, one DATA frame), answered with
// head, message and trailers. Per call: time divided by items.
#include <benchmark/benchmark.h>

#include <vector>

#include "saker/h2/connection.h"

namespace saker::h2 {
namespace {

constexpr size_t kCallsPerBuffer = 100;
constexpr uint32_t kMessageBytes = 5 + 16;
constexpr Time kNow = Time{std::chrono::hours(1)};

using Fields = std::vector<hpack::OutField>;

class Responder final : public ConnectionEvents {
 public:
  void on_headers(Stream& stream, const HeadersEvent& event) override {
    fields_ += event.fields.size();
    if (event.end_stream) ready.push_back(&stream);
  }
  void on_data(Stream& stream, Bytes data, bool end_stream) override {
    bytes_ += data.size();
    if (end_stream) ready.push_back(&stream);
  }
  void on_stream_closed(Stream&, CloseCause, ErrorCode) override { ++closed; }
  void on_stream_drained(Stream&) override {}
  void on_peer_settings() override {}
  void on_goaway(StreamId, ErrorCode, std::string_view) override {}
  void on_ping(uint64_t) override {}
  void on_ping_ack(uint64_t) override {}

  std::vector<Stream*> ready;
  size_t closed = 0;

 private:
  size_t fields_ = 0;
  size_t bytes_ = 0;
};

// Everything that a client sends, with the places of the stream ids,
// which grow from buffer to buffer.
class Recording {
 public:
  Recording() {
    encode_calls();  // fills the table
    bytes_.clear();
    id_places_.clear();
    encode_calls();
    add_frame(FrameType::kWindowUpdate, 0, 4);
    store_be32(bytes_.data() + bytes_.size() - 4, kCallsPerBuffer * kMessageBytes);
  }

  static std::vector<uint8_t> preface() {
    Recording first(0);
    const Bytes text = as_bytes(kClientPreface);
    first.bytes_.assign(text.begin(), text.end());
    first.add_frame(FrameType::kSettings, 0, 0);
    first.add_frame(FrameType::kSettings, kFlagAck, 0);
    first.add_frame(FrameType::kWindowUpdate, 0, 4);
    store_be32(first.bytes_.data() + first.bytes_.size() - 4, 1 << 30);
    first.encode_calls();
    return first.bytes_;
  }

  // The next buffer; its calls follow those of the last.
  Bytes next() {
    for (const size_t at : id_places_) {
      store_be32(bytes_.data() + at, load_be32(bytes_.data() + at) + 2 * kCallsPerBuffer);
    }
    return bytes_;
  }

 private:
  explicit Recording(int) {}

  uint8_t* add_frame(FrameType type, uint8_t flags, uint32_t size, StreamId id = 0) {
    const size_t at = bytes_.size();
    bytes_.resize(at + kFrameHeaderBytes + size);
    if (id != 0) id_places_.push_back(at + 5);
    return encode_frame_header(bytes_.data() + at, {size, type, flags, id});
  }

  void encode_calls() {
    const Fields head = {{":method", "POST"},
                         {":scheme", "http"},
                         {":authority", "localhost:50051"},
                         {":path", "/saker.echo.v1.Echo/UnaryEcho", hpack::Indexing::kLiteral},
                         {"user-agent", "h2load nghttp2/1.52.0"},
                         {"content-type", "application/grpc"},
                         {"te", "trailers"},
                         {"content-length", "21", hpack::Indexing::kLiteral}};
    std::vector<uint8_t> block(hpack::Encoder::max_encoded_bytes(head));
    for (StreamId id = 1; id < 2 * kCallsPerBuffer; id += 2) {
      const auto size = static_cast<uint32_t>(encoder_.encode(head, block.data()));
      std::copy_n(block.data(), size, add_frame(FrameType::kHeaders, kFlagEndHeaders, size, id));
      add_frame(FrameType::kData, kFlagEndStream, kMessageBytes, id);
    }
  }

  hpack::Encoder encoder_;
  std::vector<uint8_t> bytes_;
  std::vector<size_t> id_places_;
};

class Server {
 public:
  Server() : connection_(Role::kServer, options_, {chunks_, streams_, scratch_}, events_, kNow) {
    exchange(Recording::preface());
  }

  // One turn of a loop: a buffer in, its calls answered, the output taken.
  void exchange(Bytes bytes) {
    connection_.handle_input(bytes, kNow);
    for (Stream* stream : events_.ready) respond(*stream);
    events_.ready.clear();
    ChunkQueue out(chunks_);
    connection_.take_output(out, kNow);
    benchmark::DoNotOptimize(out.size());
  }
  bool alive() const { return connection_.alive(); }
  size_t answered() const { return events_.closed; }

 private:
  void respond(Stream& stream) {
    static const Fields kHead = {{":status", "200"}, {"content-type", "application/grpc"}};
    static const Fields kTrailers = {{"grpc-status", "0"}};
    connection_.send_headers(stream, kHead, head_cache_, {}, false);
    uint8_t* payload = connection_.try_begin_data(stream, kMessageBytes, false);
    if (payload != nullptr) std::memset(payload, 'x', kMessageBytes);
    connection_.send_headers(stream, kTrailers, trailers_cache_, {}, true);
  }

  ConnectionOptions options_;
  ChunkPool chunks_;
  ObjectPool<Stream> streams_;
  hpack::DecoderScratch scratch_;
  Responder events_;
  Connection connection_;
  hpack::CachedBlock head_cache_;
  hpack::CachedBlock trailers_cache_;
};

void unary_exchange(benchmark::State& state) {
  Server server;
  Recording recording;
  const size_t before = server.answered();
  for (auto _ : state) server.exchange(recording.next());
  const auto calls = static_cast<int64_t>(state.iterations() * kCallsPerBuffer);
  if (!server.alive() || static_cast<int64_t>(server.answered() - before) != calls) {
    state.SkipWithError("calls were lost");
  }
  state.SetItemsProcessed(calls);
  state.counters["per_call"] = benchmark::Counter(
      static_cast<double>(calls), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(unary_exchange);

}  // namespace
}  // namespace saker::h2

BENCHMARK_MAIN();
