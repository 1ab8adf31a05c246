// AuditLog: records on their way into an AuditFile, by a thread of its own. All records that wait
// when it looks go into one write and, if asked for, one fsync. A call waits for its record:
//
//   loop: co_await append ──▶ queue ──▶ thread: chain, write, fdatasync ──▶ post ──▶ loop: resumes
//
// so that a reply leaves when its record is in the file (Sync::kBatch, kNone: survives the process)
// or on the disk (kAlways: survives the machine). What waits is bounded by the calls in flight.
// After an error the thread tries once a second to write, in place of what is missing, a record that
// counts it. An error of fdatasync(2) is told once, and the next call says nothing of what the last one
// has lost: all records since the last good one count as missing, and the log works again when the
// record that says so is on the disk. Thread rule: any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "saker/base/result.h"
#include "saker/rpc/server_context.h"
#include "saker/services/crypto/audit_file.h"

namespace saker::crypto {

enum class AuditSync : uint8_t {
  kAlways,  // every group of records, before their replies
  kBatch,   // once a second
  kNone,    // when the kernel sees fit
};

class AuditLog {
 public:
  struct Options {
    std::string path;
    AuditSync sync = AuditSync::kBatch;
    bool required = false;  // no signature without its record
  };
  // `report` is told, on the log's thread, when writing begins to fail and when it works again.
  static Result<std::unique_ptr<AuditLog>> open(const Options& options);
  ~AuditLog();
  void set_report(std::function<void(const std::string&)> report);

  const std::string& path() const { return options_.path; }
  bool required() const { return options_.required; }
  // Whether the last attempt to write worked.
  bool works() const { return works_.load(std::memory_order_relaxed); }
  uint64_t records() const { return records_.load(std::memory_order_relaxed); }
  uint64_t lost() const { return lost_total_.load(std::memory_order_relaxed); }
  uint64_t torn_bytes() const { return file_.torn_bytes(); }
  // Where the file was moved away (logrotate(8)), goes on in a new one of its name, which begins with
  // a record that continues the chain; true: it was. Not from the log's thread.
  Result<bool> reopen();
  // Writes what waits, puts it on the disk, and ends the thread.
  void stop();

  // co_await Append(log, loop, records): true when they are where they should be.
  class Append final : private net::PostedTask {
   public:
    Append(AuditLog& log, net::Loop& loop, std::span<const AuditRecord> records)
        : log_(log), loop_(loop), records_(records) {}
    bool await_ready() const { return records_.empty(); }
    // False, which goes on at once: the log has stopped.
    bool await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      return log_.push(*this);
    }
    bool await_resume() const { return written_ || records_.empty(); }

   private:
    friend class AuditLog;
    void run() override { waiter_.resume(); }

    AuditLog& log_;
    net::Loop& loop_;
    std::span<const AuditRecord> records_;
    std::coroutine_handle<> waiter_;
    bool written_ = false;
    Append* next_ = nullptr;
  };

 private:
  AuditLog(const Options& options, AuditFile file);
  bool push(Append& append);
  void run();
  Append* wait_for_work();
  void write_group(Append* group);
  Result<void> write_lines(const std::string& lines);
  Result<void> sync_file();
  void note_failure(const std::string& why, uint64_t records);
  void report(const std::string& what);
  void answer_reopen();
  Result<bool> open_again();

  const Options options_;
  AuditFile file_;
  AuditChain chain_;
  uint64_t lost_ = 0;      // records that are missing, and not yet said to be
  uint64_t unsynced_ = 0;  // records that were written since the last good sync
  bool owes_sync_ = false;
  std::chrono::steady_clock::time_point synced_at_{};
  std::atomic<bool> works_{true};
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> lost_total_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  Append* head_ = nullptr;
  Append* tail_ = nullptr;
  bool stopping_ = false;
  bool reopen_asked_ = false;
  std::optional<Result<bool>> reopen_answer_;  // for whoever asked
  std::condition_variable answered_;
  std::function<void(const std::string&)> report_;
  std::thread thread_;
};

}  // namespace saker::crypto
