// LogOptions: how much a server writes about itself and its calls, how, and where to. Call records
// cost the loops something, so that they are made at kDebug only.
#pragma once

#include <cstdint>
#include <string>

#include "saker/rpc/call_log.h"

namespace saker::app {

enum class LogLevel : uint8_t { kError, kWarning, kInfo, kDebug };
enum class LogFormat : uint8_t { kText, kJson };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  uint64_t sample = 1;  // of the call records, written at kDebug: every so many calls; 0: none
  std::string file{};   // appended to; empty: stderr
};

// What the loops are to record.
inline rpc::CallLogOptions call_log_options(const LogOptions& options) {
  rpc::CallLogOptions records;
  records.sample = options.level == LogLevel::kDebug ? options.sample : 0;
  return records;
}

}  // namespace saker::app
