#include "saker/h2/h2_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saker::h2 {
namespace {

std::string name_of(CloseCause cause) {
  static constexpr const char* kNames[] = {"completed", "reset_by_peer", "reset_by_us", "refused",
                                           "connection_lost"};
  return kNames[static_cast<size_t>(cause)];
}

std::string name_of(HeadersKind kind) {
  static constexpr const char* kNames[] = {"request", "informational", "response", "trailers"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace

// ---- Recorder

Lines Recorder::take() {
  flush_data();
  return std::exchange(lines_, {});
}

void Recorder::add(std::string line) {
  flush_data();
  lines_.push_back(std::move(line));
}

void Recorder::flush_data() {
  if (data_id_ == 0) return;
  lines_.push_back("data " + std::to_string(std::exchange(data_id_, 0)) + text_of(data_));
  data_.clear();
}

void Recorder::on_headers(Stream& stream, const HeadersEvent& event) {
  if (event.kind == HeadersKind::kRequest) {
    EXPECT_TRUE(streams_.emplace(stream.id, &stream).second);
    stream.credit_on_receipt = credit_on_receipt;
  }
  std::string line = name_of(event.kind) + " " + std::to_string(stream.id);
  if (event.truncated) line += " TRUNCATED";
  if (event.end_stream) line += " END";
  for (const hpack::Field& field : event.fields) {
    line += text_of(field.name, field.value.size() > 100 ? "…" : field.value);
  }
  add(std::move(line));
}

void Recorder::on_data(Stream& stream, Bytes data, bool end_stream) {
  if (data_id_ != stream.id) flush_data();
  data_id_ = stream.id;
  data_ += as_text(data);
  if (!end_stream) return;
  flush_data();
  lines_.back() += " END";
}

void Recorder::on_stream_closed(Stream& stream, CloseCause cause, ErrorCode code) {
  streams_.erase(stream.id);
  std::string line = "closed " + std::to_string(stream.id) + " " + name_of(cause);
  if (code != ErrorCode::kNoError) line += " " + name_of(code);
  add(std::move(line));
}

void Recorder::on_stream_drained(Stream& stream) {
  add("drained " + std::to_string(stream.id));
}

void Recorder::on_goaway(StreamId last_id, ErrorCode code, std::string_view debug) {
  add("goaway " + std::to_string(last_id) + " " + name_of(code) + " " + std::string(debug));
}

// ---- Endpoint

Endpoint::Endpoint(Role role, const ConnectionOptions& with) : options(with) {
  connection_ = std::make_unique<Connection>(
      role, options, ConnectionResources{chunks, streams, scratch}, events, now);
}

Endpoint::~Endpoint() {
  if (connection_ != nullptr) {
    EXPECT_EQ(connection_->counters().invariants_broken, 0u);
  }
  connection_.reset();
  EXPECT_EQ(chunks.outstanding(), 0u);
  EXPECT_EQ(streams.outstanding(), 0u);
}

bool Endpoint::recv(Bytes bytes) {
  const auto copy = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return connection_->handle_input({copy.get(), bytes.size()}, now);
}

ByteVector Endpoint::take() {
  ChunkQueue out(chunks);
  connection_->take_output(out, now);
  ByteVector bytes(out.size());
  out.copy_to(bytes);
  return bytes;
}

void Endpoint::settle(Peer& peer, std::initializer_list<std::pair<SettingId, uint32_t>> settings) {
  if (connection_->role() == Role::kServer) peer.preface();
  EXPECT_TRUE(recv(peer.settings(settings).settings_ack()));
  take();
  heard();
}

Stream* Endpoint::open(const Fields& fields, bool end_stream) {
  hpack::CachedBlock cache;
  Stream* stream = connection_->open_stream(fields, cache, {}, end_stream, now);
  if (stream != nullptr) events.add_stream(*stream);
  return stream;
}

void Endpoint::send_headers(StreamId id, const Fields& fields, bool end_stream) {
  hpack::CachedBlock cache;
  connection_->send_headers(stream(id), fields, cache, {}, end_stream);
}

void Endpoint::send_data(StreamId id, std::string_view text, bool end_stream) {
  ChunkQueue payload(chunks);
  payload.append(as_bytes(text));
  connection_->send_data(stream(id), std::move(payload), end_stream);
}

}  // namespace saker::h2
