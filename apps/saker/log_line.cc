#include "log_line.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "printable.h"

namespace saker::app {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr char kHexDigits[] = "0123456789abcdef";

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "error";
}

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void append_escaped_ascii(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    const auto byte = static_cast<uint8_t>(c);
    out += "\\u00";
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
}

// Without the quotes. C1 control characters (U+0080 to U+009F) move cursors on terminals too.
void append_escaped(std::string& out, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<uint8_t>(c) < 0x80) {
      if (is_plain(c)) {
        out += c;
      } else {
        append_escaped_ascii(out, c);
      }
      ++at;
      continue;
    }
    const size_t length = utf8_length(text, at);
    if (length == 0 || is_c1_control(text, at)) {
      out += "\\ufffd";
    } else {
      out += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
}

// Eight bytes at a time: nearly all text is plain. Each term sets the top bit of one kind of byte
// that is not: below 0x20, a quote, a backslash, 0x7F and above. What such a byte borrows or
// carries reaches only the bytes behind it, which then no longer matter.
bool is_plain(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t x;
    std::memcpy(&x, text.data() + at, 8);
    const uint64_t found = (x - kOnes * 0x20) | ((x ^ kOnes * '"') - kOnes) |
                           ((x ^ kOnes * '\\') - kOnes) | (x + kOnes) | x;
    if ((found & kOnes * 0x80) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (!is_plain(text[at])) return false;
  }
  return true;
}

void append_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
  } else {
    append_escaped(out, text);
  }
}

// A value of text that stands without quotes.
bool is_word(std::string_view text) {
  bool word = !text.empty();
  for (const char c : text) word &= c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '=';
  return word;
}

void append_padded(std::string& out, uint64_t value, size_t digits) {
  const size_t begin = out.size();
  out.append(digits, '0');
  for (size_t at = out.size(); at > begin && value != 0; value /= 10) {
    out[--at] = static_cast<char>('0' + value % 10);
  }
}

}  // namespace

// ---- LogLine

LogLine& LogLine::start(std::string_view message) {
  members_.clear();
  if (is_json_) return add("message", message);
  members_ += ' ';
  append_string(members_, message);
  return *this;
}

LogLine& LogLine::add(std::string_view name, std::string_view value) {
  add_name(name);
  const bool quoted = is_json_ || !is_word(value);
  if (quoted) members_ += '"';
  append_string(members_, value);
  if (quoted) members_ += '"';
  return *this;
}

LogLine& LogLine::add(std::string_view name, uint64_t value) {
  add_name(name);
  append_number(value);
  return *this;
}

LogLine& LogLine::add_microseconds(std::string_view name, uint64_t ns) {
  add_name(name);
  append_number(ns / 1000);
  members_ += '.';
  append_padded(members_, ns % 1000, 3);
  return *this;
}

void LogLine::add_name(std::string_view name) {
  members_ += is_json_ ? std::string_view(",\"") : std::string_view(" ");
  members_ += name;
  members_ += is_json_ ? std::string_view("\":") : std::string_view("=");
}

void LogLine::append_number(uint64_t value) {
  std::array<char, 20> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  members_.append(digits.data(), result.ptr);
}

// ---- LogLinePrefix

std::string_view LogLinePrefix::at(int64_t wall_ns, LogLevel level) {
  int64_t second = wall_ns / kNsPerSecond;
  if (wall_ns % kNsPerSecond < 0) --second;
  if (second != second_) set_second(second);
  prefix_ = date_;
  append_padded(prefix_, static_cast<uint64_t>(wall_ns - second * kNsPerSecond), 9);
  prefix_ += is_json_ ? "Z\",\"level\":\"" : "Z ";
  prefix_ += level_name(level);
  if (is_json_) prefix_ += '"';
  return prefix_;
}

void LogLinePrefix::set_second(int64_t second) {
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  date_ = is_json_ ? "{\"time\":\"" : "";
  append_padded(date_, static_cast<uint64_t>(static_cast<int>(date.year())), 4);
  date_ += '-';
  append_padded(date_, static_cast<unsigned>(date.month()), 2);
  date_ += '-';
  append_padded(date_, static_cast<unsigned>(date.day()), 2);
  date_ += 'T';
  append_padded(date_, static_cast<uint64_t>(clock.hours().count()), 2);
  date_ += ':';
  append_padded(date_, static_cast<uint64_t>(clock.minutes().count()), 2);
  date_ += ':';
  append_padded(date_, static_cast<uint64_t>(clock.seconds().count()), 2);
  date_ += '.';
  second_ = second;
}

}  // namespace saker::app
