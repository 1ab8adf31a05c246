// MessageSplitter: cuts input, as it arrives in pieces of any size, into the messages in it. Finds
// where each ends and no more: what is wrong inside is for who reads it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "data_format.h"

namespace saker::app {

inline constexpr size_t kMaxInputMessageBytes = size_t{1} << 30;  // limit: one message of the input

// From 1; columns count bytes.
struct TextPosition {
  size_t line = 1;
  size_t column = 1;
};
// Where in a text that begins at `start` the byte `offset` is.
TextPosition position_in(std::string_view text, size_t offset, TextPosition start = {});

// What a binary message has before it in a stream.
std::string encode_length(size_t size);

struct InputMessage {
  std::string text;
  TextPosition position;  // of its first byte in the input
};

class MessageSplitter {
 public:
  // `delimited`: binary messages have their length before them; without it they are all one.
  explicit MessageSplitter(DataFormat format, bool delimited = true)
      : format_(format), delimited_(delimited) {}

  void feed(std::string_view bytes);
  // No more bytes will come.
  void finish() { finished_ = true; }
  // The next whole message; nothing: none yet, or none any more. At the end of the input what is
  // left counts as a message, however incomplete. An error: the input can't be cut any further.
  Result<std::optional<InputMessage>> next();

 private:
  std::optional<InputMessage> next_json();
  bool scan_json();
  std::optional<InputMessage> next_text();
  Result<std::optional<InputMessage>> next_binary();
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }
  InputMessage cut(size_t size);
  void drop(size_t size);

  const DataFormat format_;
  const bool delimited_;
  std::string buffer_;
  size_t begin_ = 0;  // what is before it has been cut off
  bool finished_ = false;
  TextPosition at_;  // of rest()
  // Of the message at the front of rest():
  size_t scanned_ = 0;
  size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace saker::app
