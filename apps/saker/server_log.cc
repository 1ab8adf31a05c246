#include "server_log.h"

#include <spdlog/logger.h>

#include <utility>

#include "log_line.h"
#include "log_sink.h"

namespace saker::app {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

Result<std::unique_ptr<ServerLog>> ServerLog::open(const LogOptions& options) {
  auto sink = LogSink::open(options);
  if (!sink) return std::unexpected(sink.error());
  return std::unique_ptr<ServerLog>(new ServerLog(options, *std::move(sink)));
}

ServerLog::ServerLog(const LogOptions& options, std::shared_ptr<LogSink> sink)
    : options_(options),
      sink_(std::move(sink)),
      logger_(std::make_unique<spdlog::logger>("saker", sink_)) {
  logger_->set_level(spdlog_level(options.level));
  logger_->flush_on(spdlog::level::trace);  // each message at once
}

ServerLog::~ServerLog() = default;

void ServerLog::write(LogLevel level, std::string_view message) {
  const auto at = spdlog_level(level);
  if (!logger_->should_log(at)) return;
  LogLine line(options_.format);
  line.start(message);
  const std::string_view members = line.members();
  logger_->log(at, spdlog::string_view_t(members.data(), members.size()));
}

}  // namespace saker::app
