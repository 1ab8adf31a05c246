// CallLogWriter: the thread that turns the call records of all loops into lines of the log. Loops
// only ever write into their rings: a ring that this thread does not empty in time drops records
// and counts them (rpc::LoopCounters::records_dropped), and no call waits. Between start() and
// stop(), the rings belong to the thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "log_line.h"
#include "method_labels.h"
#include "saker/rpc/call_log.h"
#include "saker/rpc/server.h"

namespace saker::app {

class LogSink;

// Where records come from; rings outlive the writer.
struct CallLogSource {
  std::vector<rpc::CallRing*> rings;
  MethodLabels methods;
};

// Of a server that is prepared and whose options ask for records.
CallLogSource call_log_source(rpc::Server& server);

class CallLogWriter {
 public:
  CallLogWriter(CallLogSource source, std::shared_ptr<LogSink> sink, LogFormat format);
  ~CallLogWriter() { stop(); }
  CallLogWriter(const CallLogWriter&) = delete;
  CallLogWriter& operator=(const CallLogWriter&) = delete;

  void start();
  // Writes what is in the rings and ends the thread. To lose nothing, stop the loops first.
  void stop();

  // Records turned into lines so far. Any thread.
  uint64_t records() const { return records_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop);
  size_t drain();
  void write(const rpc::CallRecord& record);

  const CallLogSource source_;
  const std::shared_ptr<LogSink> sink_;
  LogLine line_;
  std::atomic<uint64_t> records_{0};
  std::mutex mutex_;  // of the sleep
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace saker::app
