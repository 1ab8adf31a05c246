// LogLine: one line of the log, put together from a message and named values, as text for people or
// as a JSON object for those that collect. Values may come from peers: whatever they hold, a line
// stays one line, JSON stays valid UTF-8 (RFC 8259 section 8.1) and text stays printable. Knows
// neither spdlog nor files. Thread rule: one thread's.
//
//   2025-01-02T03:04:05.000000006Z info ready address=127.0.0.1:50051
//   {"time":"2025-01-02T03:04:05.000000006Z","level":"info","message":"ready","address":"127.…"}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "log_options.h"

namespace saker::app {

// What follows time and level; reused line after line, so that the steady state allocates nothing.
class LogLine {
 public:
  explicit LogLine(LogFormat format) : is_json_(format == LogFormat::kJson) {}

  // Starts a new line.
  LogLine& start(std::string_view message);
  // `name` is ours: letters and underscores.
  LogLine& add(std::string_view name, std::string_view value);
  LogLine& add(std::string_view name, uint64_t value);
  // Microseconds with three decimals.
  LogLine& add_microseconds(std::string_view name, uint64_t ns);

  std::string_view members() const { return members_; }

 private:
  void add_name(std::string_view name);
  void append_number(uint64_t value);

  const bool is_json_;
  std::string members_;
};

// The beginning of a line: its time in UTC (RFC 3339 section 5.6, nanoseconds) and its level.
class LogLinePrefix {
 public:
  explicit LogLinePrefix(LogFormat format) : is_json_(format == LogFormat::kJson) {}

  // Valid until the next call. `wall_ns`: since the epoch.
  std::string_view at(int64_t wall_ns, LogLevel level);
  // Closes a line; holds the line feed.
  std::string_view end() const { return is_json_ ? "}\n" : "\n"; }

 private:
  void set_second(int64_t second);

  const bool is_json_;
  int64_t second_ = INT64_MIN;
  std::string date_;  // of second_, with what precedes it: most lines share their second
  std::string prefix_;
};

}  // namespace saker::app
