#include "message_splitter.h"

#include <algorithm>
#include <utility>

#include "saker/base/quantity.h"

namespace saker::app {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool ends_word(char c) {
  return is_space(c) || c == '{' || c == '[' || c == '"';
}

}  // namespace

TextPosition position_in(std::string_view text, size_t offset, TextPosition start) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<size_t>(std::ranges::count(before, '\n'));
  if (lines == 0) return {start.line, start.column + before.size()};
  return {start.line + lines, before.size() - before.rfind('\n')};
}

std::string encode_length(size_t size) {
  std::string varint;
  for (; size > 0x7F; size >>= 7) varint += static_cast<char>(0x80 | (size & 0x7F));
  return varint += static_cast<char>(size);
}

// What was cut off makes room only now, so that many messages in one piece cost no more than one.
void MessageSplitter::feed(std::string_view bytes) {
  buffer_.erase(0, std::exchange(begin_, 0));
  buffer_.append(bytes);
}

Result<std::optional<InputMessage>> MessageSplitter::next() {
  if (format_ == DataFormat::kBinary) return next_binary();
  auto message = format_ == DataFormat::kJson ? next_json() : next_text();
  if (!message && rest().size() > kMaxInputMessageBytes) {
    return fail("a message is more than " + format_size(kMaxInputMessageBytes));
  }
  return message;
}

// ---- JSON: documents one after the other, white space between them or not

std::optional<InputMessage> MessageSplitter::next_json() {
  if (scanned_ == 0) {
    const std::string_view text = rest();
    drop(static_cast<size_t>(std::ranges::find_if_not(text, is_space) - text.begin()));
  }
  if (rest().empty()) return std::nullopt;
  if (!scan_json() && !finished_) return std::nullopt;
  depth_ = 0;
  in_string_ = escaped_ = false;
  return cut(std::exchange(scanned_, 0));
}

// Moves scanned_ on to the document's end; true: it is there.
bool MessageSplitter::scan_json() {
  const std::string_view text = rest();
  const bool is_word = !ends_word(text.front());  // a number, true, null, or no JSON at all
  for (; scanned_ < text.size(); ++scanned_) {
    const char c = text[scanned_];
    if (is_word) {
      if (scanned_ > 0 && ends_word(c)) return true;
      continue;
    }
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      --depth_;
    }
    if (depth_ == 0 && !in_string_) {
      ++scanned_;
      return true;
    }
  }
  return false;
}

// ---- text

std::optional<InputMessage> MessageSplitter::next_text() {
  const std::string_view text = rest();
  const size_t end = text.find(kTextSeparator, scanned_);
  scanned_ = 0;
  if (end != std::string_view::npos) {
    InputMessage message = cut(end);
    drop(1);
    return message;
  }
  if (finished_) {
    if (std::ranges::all_of(text, is_space)) return std::nullopt;
    return cut(text.size());
  }
  scanned_ = text.size();
  return std::nullopt;
}

// ---- binary

Result<std::optional<InputMessage>> MessageSplitter::next_binary() {
  const std::string_view bytes = rest();
  if (bytes.empty() || (!delimited_ && !finished_)) return std::nullopt;
  if (!delimited_) return cut(bytes.size());
  size_t size = 0;
  size_t used = 0;
  for (bool more = true; more; ++used) {
    if (used == bytes.size()) {
      if (finished_) return fail("the input ends inside a message's length");
      return std::nullopt;
    }
    const auto byte = static_cast<uint8_t>(bytes[used]);
    size |= size_t{byte & 0x7Fu} << (7 * used);
    more = (byte & 0x80) != 0;
    if (size > kMaxInputMessageBytes || (more && used == 4)) {
      return fail("a message is more than " + format_size(kMaxInputMessageBytes));
    }
  }
  if (bytes.size() - used < size) {
    if (finished_) return fail("the input ends inside a message");
    return std::nullopt;
  }
  drop(used);
  return cut(size);
}

InputMessage MessageSplitter::cut(size_t size) {
  InputMessage message{std::string(rest().substr(0, size)), at_};
  drop(size);
  return message;
}

void MessageSplitter::drop(size_t size) {
  at_ = position_in(rest().substr(0, size), size, at_);
  begin_ += size;
}

}  // namespace saker::app
