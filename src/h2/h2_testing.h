// What the connection tests share: a Recorder that turns events into lines of text, and an Endpoint
// that joins a Connection with it. A test is a transcript: what the peer says,
// what we answer, what the visitor hears.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "saker/h2/connection.h"
#include "saker/h2/frames_testing.h"

namespace saker::h2 {

inline constexpr Time kStart = Time{std::chrono::hours(1)};

// Events as text: "request 1 END :method=POST …", "data 1 END hello", "closed 1 completed", …;
// pieces of DATA that follow each other on one stream are one line.
class Recorder final : public ConnectionEvents {
 public:
  Lines take();
  Stream& stream(StreamId id) { return *streams_.at(id); }
  bool has_stream(StreamId id) const { return streams_.contains(id); }
  void add_stream(Stream& stream) { streams_.emplace(stream.id, &stream); }
  bool credit_on_receipt = true;  // what new streams of the peer get

  void on_headers(Stream& stream, const HeadersEvent& event) override;
  void on_data(Stream& stream, Bytes data, bool end_stream) override;
  void on_stream_closed(Stream& stream, CloseCause cause, ErrorCode code) override;
  void on_stream_drained(Stream& stream) override;
  void on_peer_settings() override { add("peer_settings"); }
  void on_goaway(StreamId last_id, ErrorCode code, std::string_view debug) override;
  void on_ping(uint64_t opaque) override { add("ping " + std::to_string(opaque)); }
  void on_ping_ack(uint64_t opaque) override { add("ping_ack " + std::to_string(opaque)); }

 private:
  void add(std::string line);
  void flush_data();

  Lines lines_;
  std::map<StreamId, Stream*> streams_;
  StreamId data_id_ = 0;  // the stream whose DATA arrives; 0: none
  std::string data_;
};

// A Connection under test. Input comes as one heap copy of its exact size,
// so that ASan sees any over-read.
class Endpoint {
 public:
  explicit Endpoint(Role role, const ConnectionOptions& options = {});
  ~Endpoint();  // fails the test on a leak or a broken invariant

  bool recv(Bytes bytes);
  bool recv(Peer& peer) { return recv(peer.take()); }
  ByteVector take();  // output, as bytes
  // All output goes out, and what the owner asks for then.
  void write() {
    take();
    take();
  }
  Lines sent() { return reader.describe(take()); }
  Lines heard() { return events.take(); }
  // Past preface and SETTINGS, acknowledged, with nothing left to read.
  void settle(Peer& peer, std::initializer_list<std::pair<SettingId, uint32_t>> settings = {});

  Connection& operator*() { return *connection_; }
  Connection* operator->() { return connection_.get(); }
  Stream& stream(StreamId id) { return events.stream(id); }

  Stream* open(const Fields& fields = kRequest, bool end_stream = false);
  void send_headers(StreamId id, const Fields& fields, bool end_stream = false);
  void send_data(StreamId id, std::string_view text, bool end_stream = false);
  void end_connection() { connection_.reset(); }

  Time now = kStart;
  ConnectionOptions options;
  ChunkPool chunks;
  ObjectPool<Stream> streams;
  hpack::DecoderScratch scratch;
  Recorder events;
  FrameReader reader;

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace saker::h2
