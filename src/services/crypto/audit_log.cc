#include "saker/services/crypto/audit_log.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <utility>

namespace saker::crypto {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kBatchInterval = std::chrono::seconds(1);
constexpr auto kRetryInterval = std::chrono::seconds(1);

int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const Options& options) {
  auto file = AuditFile::open(options.path);
  if (!file) return std::unexpected(file.error());
  return std::unique_ptr<AuditLog>(new AuditLog(options, *std::move(file)));
}

// Signals of the process go to the thread that expects them, not to this one.
AuditLog::AuditLog(const Options& options, AuditFile file)
    : options_(options), file_(std::move(file)), chain_(file_.chain()) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "saker-audit");
}

AuditLog::~AuditLog() {
  stop();
}

void AuditLog::set_report(std::function<void(const std::string&)> report) {
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

void AuditLog::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool AuditLog::push(Append& append) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    (tail_ == nullptr ? head_ : tail_->next_) = &append;
    tail_ = &append;
    if (head_ != tail_) return true;  // whoever was first has woken the thread
  }
  wake_.notify_one();
  return true;
}

// ---- the thread

void AuditLog::run() {
  for (;;) {
    Append* const group = wait_for_work();
    if (group != nullptr || !works()) write_group(group);
    if (owes_sync_ && Clock::now() - synced_at_ >= kBatchInterval) sync_now();
    const std::lock_guard lock(mutex_);
    if (stopping_ && head_ == nullptr) break;
  }
  if (owes_sync_) sync_now();
}

// Everything that waits; null: it is time to sync, to try again, or to end.
AuditLog::Append* AuditLog::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto has_work = [&] { return head_ != nullptr || stopping_; };
  if (owes_sync_ || !works()) {
    wake_.wait_for(lock, kRetryInterval, has_work);
  } else {
    wake_.wait(lock, has_work);
  }
  tail_ = nullptr;
  return std::exchange(head_, nullptr);
}

void AuditLog::write_group(Append* group) {
  const AuditChain before = chain_;
  std::string lines;
  uint64_t records = 0;
  if (lost_ != 0) lines = chain_.append_lost(wall_ns(), lost_);
  for (Append* append = group; append != nullptr; append = append->next_) {
    records += append->records_.size();
    for (const AuditRecord& record : append->records_) lines += chain_.append(record);
  }
  const auto written = write_lines(lines);
  if (written) {
    records_.fetch_add(records, std::memory_order_relaxed);
    lost_ = 0;
    if (!works_.exchange(true)) report("the audit log can be written again");
  } else {
    chain_ = before;
    note_failure(written.error().message, records);
  }
  while (group != nullptr) {
    Append& append = *std::exchange(group, group->next_);  // gone once it is posted
    append.written_ = written.has_value();
    append.loop_.post(append);
  }
}

Result<void> AuditLog::write_lines(const std::string& lines) {
  if (auto appended = file_.append(lines); !appended) return appended;
  owes_sync_ = options_.sync == AuditSync::kBatch;
  if (options_.sync != AuditSync::kAlways) return {};
  auto synced = file_.sync();
  if (!synced) file_.take_back();
  return synced;
}

void AuditLog::note_failure(const std::string& why, uint64_t records) {
  lost_ += records;
  lost_total_.fetch_add(records, std::memory_order_relaxed);
  if (works_.exchange(false)) report("audit log: " + why);
}

void AuditLog::report(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (report_) report_(what);
}

void AuditLog::sync_now() {
  owes_sync_ = false;
  synced_at_ = Clock::now();
  if (auto synced = file_.sync(); !synced) note_failure(synced.error().message, 0);
}

}  // namespace saker::crypto
