// Whole calls against libnghttp2, as client and as server,
// with random bodies, windows and chunking.
#include "saker/h2/nghttp2_testing.h"

#include <gtest/gtest.h>

#include <random>

namespace saker::h2 {
namespace {

// nghttp2 wants an authority, which the RFC does not.
const Fields kFullRequest = {
    {":method", "POST"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/S/M"}};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t up_to(size_t most) { return engine_() % (most + 1); }
  std::string body() {
    const size_t size = up_to(3) == 0 ? up_to(200'000) : up_to(300);
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>(engine_());
    return text;
  }
  ConnectionOptions options() {
    static constexpr uint32_t kWindows[] = {1000, 65535, 1 << 20};
    return {.initial_stream_window_bytes = kWindows[up_to(2)],
            .max_frame_bytes = static_cast<uint32_t>(kMinMaxFrameBytes + up_to(10'000)),
            .header_table_bytes = static_cast<uint32_t>(up_to(1) == 0 ? 4096 : up_to(200)),
            .adaptive_window = up_to(1) == 0};
  }

 private:
  std::mt19937_64 engine_;
};

// Our side of many calls; bodies are collected whole.
class Calls final : public ConnectionEvents {
 public:
  struct One {
    Stream* stream = nullptr;
    std::string received;
    bool ended = false;
    bool responded = false;
    int closed = 0;
    CloseCause cause{};
  };

  void on_headers(Stream& stream, const HeadersEvent& event) override {
    one(stream).ended |= event.end_stream;
  }
  void on_data(Stream& stream, Bytes data, bool end_stream) override {
    one(stream).received += as_text(data);
    one(stream).ended |= end_stream;
  }
  void on_stream_closed(Stream& stream, CloseCause cause, ErrorCode) override {
    One& call = one(stream);
    call.stream = nullptr;
    ++call.closed;
    call.cause = cause;
  }
  void on_stream_drained(Stream&) override {}
  void on_peer_settings() override {}
  void on_goaway(StreamId, ErrorCode code, std::string_view debug) override {
    ADD_FAILURE() << "GOAWAY " << error_code_name(code) << " " << debug;
  }
  void on_ping(uint64_t) override {}
  void on_ping_ack(uint64_t) override {}

  One& one(Stream& stream) {
    One& call = all[stream.id];
    call.stream = &stream;
    return call;
  }
  std::map<StreamId, One> all;
};

struct Ours {
  Ours(Role role, const ConnectionOptions& with)
      : options(with), connection(role, options, {chunks, streams, scratch}, calls, kStart) {}

  ByteVector take() {
    ChunkQueue out(chunks);
    connection.take_output(out, kStart);
    ByteVector bytes(out.size());
    out.copy_to(bytes);
    return bytes;
  }
  void send_headers(Stream& stream, const Fields& fields, bool end_stream) {
    hpack::CachedBlock cache;
    connection.send_headers(stream, fields, cache, {}, end_stream);
  }
  void send_data(Stream& stream, const std::string& body, bool end_stream) {
    ChunkQueue payload(chunks);
    payload.append(as_bytes(body));
    connection.send_data(stream, std::move(payload), end_stream);
  }

  ConnectionOptions options;
  ChunkPool chunks;
  ObjectPool<Stream> streams;
  hpack::DecoderScratch scratch;
  Calls calls;
  Connection connection;
};

// Bytes go back and forth, cut at random, until both sides are silent.
void exchange(Ours& ours, NgSession& theirs, Random& random, const std::function<void()>& act) {
  for (bool moved = true; moved;) {
    moved = false;
    const ByteVector to_them = ours.take();
    ASSERT_TRUE(theirs.recv(to_them));
    const ByteVector to_us = theirs.take();
    for (Bytes rest(to_us); !rest.empty();) {
      const size_t size = 1 + random.up_to(std::min<size_t>(rest.size() - 1, 30'000));
      ASSERT_TRUE(ours.connection.handle_input(rest.first(size), kStart))
          << ours.connection.error().why;
      rest = rest.subspan(size);
    }
    act();
    moved = !to_them.empty() || !to_us.empty() || ours.connection.wants_write();
  }
}

TEST(Nghttp2, ItsClientAgainstOurServer) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    NgSession theirs(Role::kClient);
    Ours ours(Role::kServer, random.options());
    std::map<StreamId, std::string> replies;
    for (int i = 0; i < 30; ++i) theirs.request("/S/M" + std::to_string(i % 5), random.body());
    exchange(ours, theirs, random, [&] {
      for (auto& [id, call] : ours.calls.all) {
        if (!call.ended || std::exchange(call.responded, true)) continue;
        const bool trailers = random.up_to(1) == 0;
        replies[id] = random.body();
        Stream& stream = *call.stream;
        ours.send_headers(stream, kResponse, false);
        ours.send_data(stream, replies[id], !trailers);
        if (trailers) ours.send_headers(stream, kTrailers, true);
      }
    });
    for (const auto& [id, stream] : theirs.streams) {
      EXPECT_TRUE(stream.closed && stream.ended) << id;
      EXPECT_EQ(stream.error, 0u) << id;
      EXPECT_EQ(stream.fields.at(":status"), "200") << id;
      EXPECT_TRUE(stream.received == replies[id]) << id;
      EXPECT_TRUE(ours.calls.all[id].received == stream.body) << id;
      EXPECT_EQ(ours.calls.all[id].cause, CloseCause::kCompleted) << id;
    }
    EXPECT_EQ(theirs.streams.size(), 30u);
    EXPECT_EQ(ours.connection.open_streams(), 0u);
    EXPECT_EQ(nghttp2_session_get_hd_deflate_dynamic_table_size(theirs.session()),
              ours.connection.decoder().table_bytes());
    EXPECT_EQ(nghttp2_session_get_hd_inflate_dynamic_table_size(theirs.session()),
              ours.connection.encoder().table_bytes());
    EXPECT_EQ(nghttp2_session_get_remote_window_size(theirs.session()),
              static_cast<int32_t>(ours.connection.receive_window().available()));
    EXPECT_EQ(nghttp2_session_get_local_window_size(theirs.session()),
              ours.connection.send_window().value());
  }
}

TEST(Nghttp2, OurClientAgainstItsServer) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    NgSession theirs(Role::kServer);
    Ours ours(Role::kClient, random.options());
    std::map<StreamId, std::string> requests;
    std::map<StreamId, bool> responded;
    const auto act = [&] {
      while (requests.size() < 30 && ours.connection.can_open_stream()) {
        const std::string body = random.body();
        hpack::CachedBlock cache;
        const bool empty = body.empty() && random.up_to(1) == 0;
        Stream* stream = ours.connection.open_stream(kFullRequest, cache, {}, empty, kStart);
        requests[stream->id] = body;
        if (!empty) ours.send_data(*stream, body, true);
      }
      for (auto& [id, stream] : theirs.streams) {
        if (!stream.ended || std::exchange(responded[id], true)) continue;
        theirs.respond(id, random.body(), random.up_to(1) == 0);
      }
    };
    act();
    exchange(ours, theirs, random, act);
    for (const auto& [id, body] : requests) {
      EXPECT_TRUE(theirs.streams.at(id).received == body) << id;
      EXPECT_TRUE(theirs.streams.at(id).closed) << id;
      EXPECT_TRUE(ours.calls.all[id].received == theirs.streams.at(id).body) << id;
      EXPECT_EQ(ours.calls.all[id].cause, CloseCause::kCompleted) << id;
      EXPECT_EQ(ours.calls.all[id].closed, 1) << id;
    }
    EXPECT_EQ(requests.size(), 30u);
    EXPECT_EQ(ours.connection.open_streams(), 0u);
    EXPECT_EQ(ours.chunks.outstanding(), 0u);
  }
}

}  // namespace
}  // namespace saker::h2
