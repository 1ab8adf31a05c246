// HttpAnswer: what a server sends back to one GET over HTTP/1.1 (RFC 9112), byte by byte: a length, chunks,
// or until it closes. Only what a scrape needs: no trailers, no redirects, no compression, no cookies.
// The server may be hostile: whatever it sends, memory stays within kMaxHeadBytes + kMaxBodyBytes.
// Pure; knows no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "saker/base/result.h"

namespace saker::app {

class HttpAnswer {
 public:
  static constexpr size_t kMaxHeadBytes = 16
                                          << 10;  // limit: status line and fields, of all 1xx too
  static constexpr size_t kMaxBodyBytes = 16 << 20;  // limit: content, decoded or not

  // What has arrived. An error: it will be none, and nothing more is to be read.
  Result<void> add(std::string_view bytes);
  // The server has closed.
  Result<void> end();
  // Has all of it arrived?
  bool done() const { return phase_ == Phase::kDone; }
  // Once it has: the content of a 200; other statuses are errors of add().
  const std::string& body() const { return body_; }

 private:
  enum class Phase : uint8_t { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kUntilClose, kDone };

  Result<void> advance();
  Result<bool> take_head();
  Result<void> read_field(std::string_view line);
  Result<bool> take_chunk_size();
  Result<bool> take_chunk_end();
  Result<bool> take_body();

  Phase phase_ = Phase::kHead;
  std::string unread_;
  std::string body_;
  size_t head_bytes_ = 0;           // that were read
  std::optional<uint64_t> length_;  // Content-Length
  bool is_chunked_ = false;
  uint64_t left_ = 0;  // of the length or the chunk
};

}  // namespace saker::app
