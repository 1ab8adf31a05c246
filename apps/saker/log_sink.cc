#include "log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/formatter.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "log_line.h"

namespace saker::app {
namespace {

constexpr size_t kBatchBytes = 64 * 1024;     // limit: lines that gather before they are written
constexpr int kBlockedWriteTimeoutMs = 1000;  // limit: a non-blocking pipe whose reader is slow
constexpr mode_t kFileMode = 0640;

LogLevel level_of(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return LogLevel::kDebug;
  if (level == spdlog::level::info) return LogLevel::kInfo;
  return level == spdlog::level::warn ? LogLevel::kWarning : LogLevel::kError;
}

// The payload is a LogLine's members; time and level are put around it.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format), prefix_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since_epoch = std::chrono::nanoseconds(message.time.time_since_epoch());
    append(prefix_.at(since_epoch.count(), level_of(message.level)), out);
    append({message.payload.data(), message.payload.size()}, out);
    append(prefix_.end(), out);
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  static void append(std::string_view text, spdlog::memory_buf_t& out) {
    out.append(text.data(), text.data() + text.size());
  }

  const LogFormat format_;
  LogLinePrefix prefix_;
};

// A descriptor of our own, so that closing it closes nobody else's.
// A process without stderr writes to nowhere.
Result<net::Descriptor> open_descriptor(const LogOptions& options) {
  if (options.file.empty()) {
    if (const int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); fd >= 0)
      return net::Descriptor(fd);
  }
  const char* path = options.file.empty() ? "/dev/null" : options.file.c_str();
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode);
  if (fd < 0) return fail_errno("cannot write the log to " + std::string(path), errno);
  return net::Descriptor(fd);
}

}  // namespace

Result<std::shared_ptr<LogSink>> LogSink::open(const LogOptions& options) {
  auto fd = open_descriptor(options);
  if (!fd) return std::unexpected(fd.error());
  std::string name = options.file.empty() ? "stderr" : options.file;
  return std::make_shared<LogSink>(*std::move(fd), std::move(name), options.format);
}

LogSink::LogSink(net::Descriptor fd, std::string name, LogFormat format)
    : base_sink(std::make_unique<LineFormatter>(format)),
      fd_(std::move(fd)),
      name_(std::move(name)) {
  batch_.reserve(kBatchBytes + 4096);
}

LogSink::~LogSink() {
  write_batch();
}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  formatter_->format(message, batch_);
  ++batch_lines_;
  if (batch_.size() >= kBatchBytes) write_batch();
}

void LogSink::flush_() {
  write_batch();
}

// A line that a full disk cut in two is ended before the next one, so that only that one is lost.
void LogSink::write_batch() {
  if (batch_.size() == 0) return;
  if (line_cut_ && write_some("\n", 1) == 1) line_cut_ = false;
  const size_t size = line_cut_ ? 0 : write_some(batch_.data(), batch_.size());
  if (size == batch_.size()) {
    written_.fetch_add(batch_lines_, std::memory_order_relaxed);
  } else {
    give_up_rest(size, errno);
  }
  batch_.clear();
  batch_lines_ = 0;
}

void LogSink::give_up_rest(size_t size, int system_error) {
  const char* const begin = batch_.data();
  const auto whole = static_cast<uint64_t>(std::count(begin, begin + size, '\n'));
  line_cut_ = line_cut_ || (size != 0 && begin[size - 1] != '\n');
  written_.fetch_add(whole, std::memory_order_relaxed);
  lost_.fetch_add(batch_lines_ - whole, std::memory_order_relaxed);
  report(system_error);
}

size_t LogSink::write_some(const char* bytes, size_t size) const {
  size_t done = 0;
  while (done < size) {
    const ssize_t result = ::write(fd_.get(), bytes + done, size - done);
    if (result >= 0) {
      done += static_cast<size_t>(result);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) break;
    pollfd ready = {.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, kBlockedWriteTimeoutMs) == 0) {
      errno = EAGAIN;
      break;
    }
  }
  return done;
}

void LogSink::report(int system_error) {
  if (std::exchange(reported_, true)) return;
  const std::string text = "saker: cannot write the log to " + name_ + ": " +
                           std::strerror(system_error) + "; going on, lost lines are counted\n";
  // Nobody is left to tell when this fails too.
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace saker::app
