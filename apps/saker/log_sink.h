// LogSink: lines of the log into a descriptor, by way of spdlog's formatter and sink. Lines gather
// until flush() or until they fill a write; what cannot be written is dropped, counted, and said
// once on stderr, because a full disk is no reason for a server to end. Thread rule: any thread;
// one mutex, held while writing.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "log_options.h"
#include "saker/base/result.h"
#include "saker/net/descriptor.h"

namespace saker::app {

class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Opens options.file for appending, or takes stderr.
  static Result<std::shared_ptr<LogSink>> open(const LogOptions& options);

  // `name`: as users know the descriptor.
  LogSink(net::Descriptor fd, std::string name, LogFormat format);
  ~LogSink() override;

  // Any thread. A line counts once it was handed to the kernel, or could not be.
  uint64_t lines_written() const { return written_.load(std::memory_order_relaxed); }
  uint64_t lines_lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;
  void write_batch();
  // Only the first `size` bytes of the batch could be written.
  void give_up_rest(size_t size, int system_error);
  // How many bytes were taken; fewer than `size`: errno says why.
  size_t write_some(const char* bytes, size_t size) const;
  void report(int system_error);

  const net::Descriptor fd_;
  const std::string name_;
  spdlog::memory_buf_t batch_;
  uint64_t batch_lines_ = 0;
  bool line_cut_ = false;  // the last write ended within a line
  bool reported_ = false;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> lost_{0};
};

}  // namespace saker::app
