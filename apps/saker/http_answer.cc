#include "http_answer.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace saker::app {
namespace {

constexpr std::string_view kNewline = "\r\n";
constexpr size_t kMaxChunkLineBytes = 256;  // limit: a size and its extensions

bool is_same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The whole of `text`, digits only.
std::optional<uint64_t> parse_size_in(std::string_view text, int base) {
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(size) : std::nullopt;
}

// RFC 9112 section 4: "HTTP/1.1 200 OK".
std::optional<uint64_t> parse_status(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 5) return std::nullopt;
  if (line[kVersion.size() + 1] != ' ') return std::nullopt;
  const std::string_view behind = line.substr(kVersion.size() + 5);
  if (!behind.empty() && behind.front() != ' ') return std::nullopt;
  return parse_size_in(line.substr(kVersion.size() + 2, 3), 10);
}

std::unexpected<Error> too_long() {
  return fail("an answer of more than " + std::to_string(HttpAnswer::kMaxBodyBytes >> 20) + " MiB");
}

}  // namespace

Result<void> HttpAnswer::add(std::string_view bytes) {
  if (done()) return {};
  unread_.append(bytes);
  return advance();
}

Result<void> HttpAnswer::end() {
  if (phase_ == Phase::kUntilClose) phase_ = Phase::kDone;
  if (done()) return {};
  return fail(phase_ == Phase::kHead && unread_.empty() ? "closed without an answer"
                                                        : "closed in the middle of its answer");
}

// As far as what is there goes.
Result<void> HttpAnswer::advance() {
  for (Result<bool> moved = true; !done();) {
    switch (phase_) {
      case Phase::kHead:
        moved = take_head();
        break;
      case Phase::kChunkSize:
        moved = take_chunk_size();
        break;
      case Phase::kChunkEnd:
        moved = take_chunk_end();
        break;
      case Phase::kLength:
      case Phase::kChunk:
      case Phase::kUntilClose:
        moved = take_body();
        break;
      case Phase::kDone:
        return {};
    }
    if (!moved) return std::unexpected(moved.error());
    if (!*moved) return {};
  }
  return {};
}

// 1xx answers come before the one that counts (RFC 9110 section 15.2).
Result<bool> HttpAnswer::take_head() {
  const size_t end = unread_.find("\r\n\r\n");
  const size_t bytes = std::min(end, unread_.size());
  constexpr std::string_view kBegin = "HTTP/1.";
  if (!kBegin.starts_with(std::string_view(unread_).substr(0, kBegin.size()))) {
    return fail("an answer that is no HTTP/1.1");
  }
  if (head_bytes_ + bytes > kMaxHeadBytes) return fail("an answer whose head does not end");
  if (end == std::string::npos) return false;
  const std::string head = unread_.substr(0, end);
  unread_.erase(0, end + 2 * kNewline.size());
  head_bytes_ += end + 2 * kNewline.size();
  size_t at = std::min(head.find(kNewline), head.size());
  const auto status = parse_status(std::string_view(head).substr(0, at));
  if (!status) return fail("an answer that is no HTTP/1.1");
  if (*status >= 100 && *status < 200 && *status != 101) return true;
  if (*status != 200) return fail("HTTP status " + std::to_string(*status));
  while (at < head.size()) {
    const size_t begin = at + kNewline.size();
    at = std::min(head.find(kNewline, begin), head.size());
    const std::string_view line = std::string_view(head).substr(begin, at - begin);
    if (auto read = read_field(line); !read) return std::unexpected(read.error());
  }
  phase_ = is_chunked_ ? Phase::kChunkSize : length_ ? Phase::kLength : Phase::kUntilClose;
  left_ = length_.value_or(0);
  return true;
}

// RFC 9112 section 6.3: chunks come before a length; two lengths that differ are none.
Result<void> HttpAnswer::read_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail("a header field without a colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (is_same(name, "content-length")) {
    const auto length = parse_size_in(value, 10);
    if (!length || (length_ && *length_ != *length)) return fail("a Content-Length that is none");
    if (*length > kMaxBodyBytes) return too_long();
    length_ = length;
  } else if (is_same(name, "transfer-encoding")) {
    if (!is_same(value, "chunked")) return fail("a transfer coding that nobody asked for");
    is_chunked_ = true;
  } else if (is_same(name, "content-encoding") && !is_same(value, "identity")) {
    return fail("a compressed answer, which nobody asked for");
  }
  return {};
}

// RFC 9112 section 7.1: hexadecimal, and extensions behind a semicolon. The last one has the size 0;
// what could come behind it nobody waits for.
Result<bool> HttpAnswer::take_chunk_size() {
  const size_t end = unread_.find(kNewline);
  if (std::min(end, unread_.size()) > kMaxChunkLineBytes) return fail("a chunk without a size");
  if (end == std::string::npos) return false;
  const std::string_view line = std::string_view(unread_).substr(0, end);
  const auto size = parse_size_in(trimmed(line.substr(0, line.find(';'))), 16);
  if (!size) return fail("a chunk without a size");
  unread_.erase(0, end + kNewline.size());
  if (*size > kMaxBodyBytes - body_.size()) return too_long();
  left_ = *size;
  phase_ = *size == 0 ? Phase::kDone : Phase::kChunk;
  return true;
}

Result<bool> HttpAnswer::take_chunk_end() {
  if (unread_.size() < kNewline.size()) return false;
  if (!unread_.starts_with(kNewline)) return fail("a chunk that is longer than its size");
  unread_.erase(0, kNewline.size());
  phase_ = Phase::kChunkSize;
  return true;
}

Result<bool> HttpAnswer::take_body() {
  const bool is_endless = phase_ == Phase::kUntilClose;
  const size_t bytes = is_endless ? unread_.size() : std::min<uint64_t>(unread_.size(), left_);
  if (bytes > kMaxBodyBytes - body_.size()) return too_long();
  body_.append(unread_, 0, bytes);
  unread_.erase(0, bytes);
  if (is_endless) return false;
  left_ -= bytes;
  if (left_ > 0) return false;
  phase_ = phase_ == Phase::kLength ? Phase::kDone : Phase::kChunkEnd;
  return true;
}

}  // namespace saker::app
