#include "saker/h2/nghttp2_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saker::h2 {
namespace {

NgSession::NgStream& stream_of(void* user, int32_t id) {
  return static_cast<NgSession*>(user)->streams[static_cast<StreamId>(id)];
}

nghttp2_nv pair_of(const std::string& name, const std::string& value) {
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user) {
  stream_of(user, frame->hd.stream_id).fields[std::string(as_text({name, name_size}))] =
      as_text({value, value_size});
  return 0;
}

int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
  stream_of(user, id).received += as_text({data, size});
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  const bool carries_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (carries_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    stream_of(user, frame->hd.stream_id).ended = true;
  }
  return 0;
}

int on_close(nghttp2_session*, int32_t id, uint32_t error, void* user) {
  stream_of(user, id).closed = true;
  stream_of(user, id).error = error;
  return 0;
}

ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* out, size_t size, uint32_t* flags,
                  nghttp2_data_source*, void* user) {
  NgSession::NgStream& stream = stream_of(user, id);
  const size_t count = std::min(size, stream.body.size() - stream.sent);
  std::copy_n(stream.body.data() + stream.sent, count, out);
  stream.sent += count;
  if (stream.sent < stream.body.size()) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const std::string name = "grpc-status";
    const std::string value = "0";
    const nghttp2_nv trailer = pair_of(name, value);
    EXPECT_EQ(nghttp2_submit_trailer(session, id, &trailer, 1), 0);
  }
  return static_cast<ssize_t>(count);
}

}  // namespace

NgSession::NgSession(Role role) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session* session = nullptr;
  const auto create =
      role == Role::kClient ? nghttp2_session_client_new : nghttp2_session_server_new;
  EXPECT_EQ(create(&session, callbacks, this), 0);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  EXPECT_EQ(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0), 0);
}

bool NgSession::recv(Bytes bytes) {
  return nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size()) >= 0;
}

ByteVector NgSession::take() {
  ByteVector out;
  const uint8_t* data = nullptr;
  for (ssize_t size; (size = nghttp2_session_mem_send(session_.get(), &data)) > 0;) {
    out.insert(out.end(), data, data + size);
  }
  return out;
}

StreamId NgSession::request(const std::string& path, std::string body) {
  const std::string names[] = {":method", ":scheme", ":authority", ":path", "te"};
  const std::string values[] = {"POST", "http", "localhost", path, "trailers"};
  std::vector<nghttp2_nv> pairs;
  for (size_t i = 0; i < std::size(names); ++i) pairs.push_back(pair_of(names[i], values[i]));
  nghttp2_data_provider provider = {{}, read_body};
  const int32_t id = nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(),
                                            body.empty() ? nullptr : &provider, nullptr);
  EXPECT_GT(id, 0);
  streams[static_cast<StreamId>(id)].body = std::move(body);
  return static_cast<StreamId>(id);
}

void NgSession::respond(StreamId id, std::string body, bool trailers) {
  const std::string name = ":status";
  const std::string value = "200";
  const nghttp2_nv pair = pair_of(name, value);
  nghttp2_data_provider provider = {{}, read_body};
  streams[id].body = std::move(body);
  streams[id].trailers = trailers;
  EXPECT_EQ(nghttp2_submit_response(session_.get(), static_cast<int32_t>(id), &pair, 1, &provider),
            0);
}

}  // namespace saker::h2
