#include "frames_outcome.h"

#include <algorithm>

#include "fuzz.h"

namespace saker::fuzz {
namespace {

using h2::ErrorCode;
using h2::StreamId;

constexpr Time kNow = Time{std::chrono::hours(1)};

h2::ConnectionOptions options_of(const SessionChoices& choices) {
  return {.max_concurrent_streams = choices.max_streams,
          .initial_stream_window_bytes = choices.stream_window_bytes,
          .max_header_list_bytes = 1 << 20,
          .initial_connection_window_bytes = h2::kDefaultWindowBytes,
          .adaptive_window = false};
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append("\t").append(value).append("\n");
}

nghttp2_nv pair_of(const hpack::OutField& field) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> pairs_of(const h2::Fields& fields) {
  std::vector<nghttp2_nv> pairs;
  for (const hpack::OutField& field : fields) pairs.push_back(pair_of(field));
  return pairs;
}

// RFC 9113 section 8.2.1, to the letter.
bool is_legal(std::string_view name, std::string_view value) {
  const auto is_bad = [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte <= 0x20 || (byte >= 0x41 && byte <= 0x5a) || byte >= 0x7f;
  };
  const bool has_colon = name.size() > 1 && name.substr(1).find(':') != name.npos;
  if (name.empty() || has_colon || std::ranges::any_of(name, is_bad)) return false;
  if (value.find_first_of(std::string_view("\0\r\n", 3)) != value.npos) return false;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  return value.empty() || (!is_blank(value.front()) && !is_blank(value.back()));
}

const h2::Fields kFullRequest = {
    {":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/S/M"}};

}  // namespace

void note_sent(Bytes sent, Outcome& outcome) {
  for (const h2::Frame& frame : h2::split_frames(sent)) {
    const uint8_t* payload = frame.payload.data();
    if (frame.header.type == h2::FrameType::kRstStream) {
      outcome.resets[frame.header.stream_id] = static_cast<ErrorCode>(load_be32(payload));
    }
    // NO_ERROR takes leave, when ids run out, and ends nothing.
    if (frame.header.type == h2::FrameType::kGoaway && load_be32(payload + 4) != 0) {
      outcome.ended = static_cast<ErrorCode>(load_be32(payload + 4));
      outcome.why += as_text(frame.payload.subspan(8));
    }
  }
}

// ---- ours

OurSide::OurSide(const SessionChoices& choices)
    : options_(options_of(choices)),
      connection_(choices.role, options_, {chunks_, streams_, scratch_}, *this, kNow) {
  read_output();
}

Outcome OurSide::recv(Bytes bytes) {
  outcome_ = {};
  const bool alive = connection_.handle_input(Bytes(Piece(bytes)), kNow);
  read_output();
  expect(connection_.counters().invariants_broken == 0, "no invariant breaks");
  expect(alive != outcome_.ended.has_value(), "who ends a connection says so");
  return std::move(outcome_);
}

void OurSide::open_request() {
  hpack::CachedBlock cache;
  h2::Stream* stream = connection_.open_stream(kFullRequest, cache, {}, true, kNow);
  stream->credit_on_receipt = false;
  by_id_[stream->id] = stream;
  open_.insert(stream->id);
  read_output();
}

void OurSide::respond(StreamId id) {
  hpack::CachedBlock cache;
  connection_.send_headers(*by_id_.at(id), h2::kResponse, cache, {}, true);
  read_output();
}

void OurSide::read_output() {
  ChunkQueue out(chunks_);
  connection_.take_output(out, kNow);
  h2::ByteVector sent(out.size());
  out.copy_to(sent);
  note_sent(sent, outcome_);
}

void OurSide::on_headers(h2::Stream& stream, const h2::HeadersEvent& event) {
  if (event.kind == h2::HeadersKind::kRequest) {
    stream.credit_on_receipt = false;
    by_id_[stream.id] = &stream;
    open_.insert(stream.id);
  }
  std::string& heard = outcome_.heard[stream.id];
  for (const hpack::Field& field : event.fields) append_field(heard, field.name, field.value);
  heard += event.end_stream ? "end\n" : "\n";
  outcome_.truncated |= event.truncated;
  if (event.end_stream) ended_.insert(stream.id);
}

void OurSide::on_data(h2::Stream& stream, Bytes data, bool end_stream) {
  std::string& heard = outcome_.heard[stream.id];
  heard += as_text(data);
  if (!end_stream) return;
  heard += "end\n";
  ended_.insert(stream.id);
}

void OurSide::on_stream_closed(h2::Stream& stream, h2::CloseCause cause, ErrorCode code) {
  open_.erase(stream.id);
  ended_.erase(stream.id);
  by_id_.erase(stream.id);
  if (cause != h2::CloseCause::kResetByPeer) return;
  outcome_.heard[stream.id] += "reset " + std::to_string(static_cast<uint32_t>(code));
}

void OurSide::on_goaway(StreamId last_id, ErrorCode code, std::string_view debug) {
  std::string& heard = outcome_.heard[0];
  heard += "goaway " + std::to_string(last_id) + " " + std::to_string(static_cast<uint32_t>(code));
  heard.append(" ").append(debug);
}

// ---- libnghttp2's

struct TheirSide::Callbacks {
  static TheirSide& side(void* user) { return *static_cast<TheirSide*>(user); }

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    side(user).outcome_.fields.clear();
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      side(user).open_.insert(static_cast<StreamId>(frame->hd.stream_id));
    }
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    side(user).outcome_.fields.emplace_back(as_text({name, name_size}),
                                            as_text({value, value_size}));
    return 0;
  }
  // Without it such fields are left out and the rest goes on (RFC 9113 section 8.2.1 refuses).
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                               size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                               void* user) {
    if (is_legal(as_text({name, name_size}), as_text({value, value_size}))) {
      side(user).outcome_.why += "legal by 8.2.1; ";
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                     void* user) {
    side(user).outcome_.heard[static_cast<StreamId>(id)] += as_text({data, size});
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const auto id = static_cast<StreamId>(frame->hd.stream_id);
    std::string& heard = side(user).outcome_.heard[id];
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      for (const auto& [name, value] : side(user).outcome_.fields) append_field(heard, name, value);
      heard += ends ? "end\n" : "\n";
    }
    if (frame->hd.type == NGHTTP2_DATA && ends) heard += "end\n";
    if (frame->hd.type == NGHTTP2_RST_STREAM && side(user).open_.contains(id)) {
      heard += "reset " + std::to_string(frame->rst_stream.error_code);
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      heard += std::to_string(load_be64(frame->ping.opaque_data)) + ";";
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      heard += "goaway " + std::to_string(frame->goaway.last_stream_id) + " " +
               std::to_string(frame->goaway.error_code) + " ";
      heard += as_text({frame->goaway.opaque_data, frame->goaway.opaque_data_len});
    }
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t, void* user) {
    side(user).open_.erase(static_cast<StreamId>(id));
    return 0;
  }
  static int on_error(nghttp2_session*, int, const char* text, size_t size, void* user) {
    side(user).outcome_.why.append(text, size);
    return 0;
  }
};

TheirSide::TheirSide(const SessionChoices& choices) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Callbacks::on_invalid_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_error_callback2(callbacks, Callbacks::on_error);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_continuations(option, 1000);  // more than inputs have: a limit of its own
  nghttp2_session* session = nullptr;
  const bool is_server = choices.role == h2::Role::kServer;
  const auto create = is_server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  expect(create(&session, callbacks, this, option) == 0, "a session");
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, choices.max_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, choices.stream_window_bytes},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, is_server ? 2 : 3);
  read_output();
}

Outcome TheirSide::recv(Bytes bytes) {
  outcome_ = {};
  const Piece piece(bytes);
  const auto used =
      nghttp2_session_mem_recv(session_.get(), Bytes(piece).data(), Bytes(piece).size());
  read_output();
  if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC) outcome_.ended = ErrorCode::kProtocolError;
  if (used == NGHTTP2_ERR_FLOODED) outcome_.ended = ErrorCode::kEnhanceYourCalm;
  expect(used >= 0 || outcome_.ended, "no failure but these");
  return std::move(outcome_);
}

void TheirSide::open_request() {
  const auto pairs = pairs_of(kFullRequest);
  const int32_t id =
      nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(), nullptr, nullptr);
  open_.insert(static_cast<StreamId>(id));
  read_output();
}

void TheirSide::respond(StreamId id) {
  const auto pairs = pairs_of(h2::kResponse);
  nghttp2_submit_response(session_.get(), static_cast<int32_t>(id), pairs.data(), pairs.size(),
                          nullptr);
  read_output();
}

void TheirSide::read_output() {
  const uint8_t* data = nullptr;
  h2::ByteVector sent;
  for (ssize_t size; (size = nghttp2_session_mem_send(session_.get(), &data)) > 0;) {
    sent.insert(sent.end(), data, data + size);
  }
  note_sent(sent, outcome_);
}

}  // namespace saker::fuzz
