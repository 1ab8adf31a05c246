// ServerLog: what a server has to say about itself, one line each, on stderr or in a file: as text,
// or as JSON for those that collect. What happens on the hot path does not come here: call records
// reach the same lines by way of CallLogWriter. Thread rule: any thread.
#pragma once

#include <memory>
#include <string_view>

#include "log_options.h"
#include "saker/base/result.h"

namespace spdlog {
class logger;
}

namespace saker::app {

class LogSink;

class ServerLog {
 public:
  // Fails where options.file cannot be opened.
  static Result<std::unique_ptr<ServerLog>> open(const LogOptions& options);
  ~ServerLog();
  ServerLog(const ServerLog&) = delete;
  ServerLog& operator=(const ServerLog&) = delete;

  // Written when it returns.
  void write(LogLevel level, std::string_view message);
  void error(std::string_view message) { write(LogLevel::kError, message); }
  void warning(std::string_view message) { write(LogLevel::kWarning, message); }
  void info(std::string_view message) { write(LogLevel::kInfo, message); }
  void debug(std::string_view message) { write(LogLevel::kDebug, message); }

  const LogOptions& options() const { return options_; }
  const std::shared_ptr<LogSink>& sink() const { return sink_; }

 private:
  ServerLog(const LogOptions& options, std::shared_ptr<LogSink> sink);

  const LogOptions options_;
  const std::shared_ptr<LogSink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace saker::app
