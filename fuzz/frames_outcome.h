// What one of two HTTP/2 endpoints made of one frame, told so that ours and libnghttp2's can be
// compared; and both endpoints, each with the same settings. See frames_nghttp2.cc.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "saker/h2/connection.h"
#include "saker/h2/frames_testing.h"

namespace saker::fuzz {

struct SessionChoices {
  h2::Role role = h2::Role::kServer;
  uint32_t max_streams = 100;
  uint32_t stream_window_bytes = h2::kDefaultWindowBytes;
};

using Texts = std::vector<std::pair<std::string, std::string>>;

struct Outcome {
  // Head, content, trailers and end of each stream; of stream 0 pings and GOAWAY.
  std::map<h2::StreamId, std::string> heard;
  std::map<h2::StreamId, h2::ErrorCode> resets;  // RST_STREAM that it sent
  std::optional<h2::ErrorCode> ended;            // the connection, with GOAWAY
  std::string why;
  bool truncated = false;  // heads are cut where a limit of ours is
  Texts fields;            // of the last block, as libnghttp2 has read it
};

// Ours. Whoever is open has sent no response yet.
class OurSide final : public h2::ConnectionEvents {
 public:
  explicit OurSide(const SessionChoices& choices);
  Outcome recv(Bytes bytes);
  void open_request();
  void respond(h2::StreamId id);
  const std::set<h2::StreamId>& open() const { return open_; }
  const std::set<h2::StreamId>& ended() const { return ended_; }

  void on_headers(h2::Stream& stream, const h2::HeadersEvent& event) override;
  void on_data(h2::Stream& stream, Bytes data, bool end_stream) override;
  void on_stream_closed(h2::Stream& stream, h2::CloseCause cause, h2::ErrorCode code) override;
  void on_stream_drained(h2::Stream&) override {}
  void on_peer_settings() override {}
  void on_goaway(h2::StreamId last_id, h2::ErrorCode code, std::string_view debug) override;
  void on_ping(uint64_t opaque) override { outcome_.heard[0] += std::to_string(opaque) + ";"; }
  void on_ping_ack(uint64_t) override {}

 private:
  void read_output();

  h2::ConnectionOptions options_;
  ChunkPool chunks_;
  ObjectPool<h2::Stream> streams_;
  hpack::DecoderScratch scratch_;
  Outcome outcome_;
  std::map<h2::StreamId, h2::Stream*> by_id_;
  std::set<h2::StreamId> open_;
  std::set<h2::StreamId> ended_;  // of the open ones, those that the peer has ended
  h2::Connection connection_;     // closes its streams when it dies
};

// libnghttp2's.
class TheirSide {
 public:
  explicit TheirSide(const SessionChoices& choices);
  Outcome recv(Bytes bytes);
  void open_request();
  void respond(h2::StreamId id);
  const std::set<h2::StreamId>& open() const { return open_; }
  // It looks at nothing any more: after GOAWAY, once there is no stream.
  bool is_finished() const { return nghttp2_session_want_read(session_.get()) == 0; }

 private:
  struct Callbacks;
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  void read_output();

  Outcome outcome_;
  std::set<h2::StreamId> open_;
  std::unique_ptr<nghttp2_session, Delete> session_;
};

// Resets and the end of a connection, from what an endpoint has sent.
void note_sent(Bytes sent, Outcome& outcome);

}  // namespace saker::fuzz
