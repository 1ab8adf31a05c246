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
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);  // fails only for another `how`
  thread_ = std::thread([this] { run(); });
  (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);              // as above
  (void)pthread_setname_np(thread_.native_handle(), "saker-audit");  // for top(1) only
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

Result<bool> AuditLog::reopen() {
  std::unique_lock lock(mutex_);
  if (stopping_ || reopen_asked_) return fail("the audit log ends, or is being reopened");
  reopen_asked_ = true;
  reopen_answer_.reset();
  wake_.notify_one();
  answered_.wait(lock, [&] { return reopen_answer_.has_value(); });
  return *std::exchange(reopen_answer_, std::nullopt);
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
    if (owes_sync_ && Clock::now() - synced_at_ >= kBatchInterval) (void)sync_file();
    answer_reopen();
    const std::lock_guard lock(mutex_);
    if (stopping_ && head_ == nullptr && !reopen_asked_) break;
  }
  if (owes_sync_) (void)sync_file();
}

// Everything that waits; null: it is time to sync, to try again, to reopen, or to end.
AuditLog::Append* AuditLog::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto has_work = [&] { return head_ != nullptr || stopping_ || reopen_asked_; };
  if (owes_sync_ || !works()) {
    wake_.wait_for(lock, kRetryInterval, has_work);
  } else {
    wake_.wait(lock, has_work);
  }
  tail_ = nullptr;
  return std::exchange(head_, nullptr);
}

void AuditLog::answer_reopen() {
  {
    const std::lock_guard lock(mutex_);
    if (!reopen_asked_) return;
  }
  auto answer = open_again();
  {
    const std::lock_guard lock(mutex_);
    reopen_answer_ = std::move(answer);
    reopen_asked_ = false;
  }
  answered_.notify_one();
}

// The old file goes on being written until the new one has its first record.
Result<bool> AuditLog::open_again() {
  if (!file_.was_moved()) return false;
  auto fresh = AuditFile::open(options_.path);
  if (!fresh) return std::unexpected(fresh.error());
  if (!fresh->is_empty())
    return fail("audit log " + options_.path + ": is not empty, and is no continuation");
  AuditChain chain = chain_;
  const std::string line = chain.append_reopened(wall_ns());
  if (auto begun = fresh->append(line); !begun) return std::unexpected(begun.error());
  if (owes_sync_) (void)sync_file();  // what fails is noted
  file_ = *std::move(fresh);
  chain_ = std::move(chain);
  owes_sync_ = options_.sync != AuditSync::kNone;
  unsynced_ = 1;
  records_.fetch_add(1, std::memory_order_relaxed);
  return true;
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
    if (owes_sync_) unsynced_ += records;
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

// The line that counts what is missing is synced at once, so that the log is not said to work again
// before it does.
Result<void> AuditLog::write_lines(const std::string& lines) {
  if (auto appended = file_.append(lines); !appended) return appended;
  owes_sync_ = options_.sync == AuditSync::kBatch && lost_ == 0;
  if (owes_sync_ || options_.sync == AuditSync::kNone) return {};
  auto synced = sync_file();
  if (!synced) file_.take_back();
  return synced;
}

// A failure makes of all that was written since the last success records that are missing, though
// they may be there.
Result<void> AuditLog::sync_file() {
  owes_sync_ = false;
  synced_at_ = Clock::now();
  auto synced = file_.sync();
  const uint64_t records = std::exchange(unsynced_, 0);
  if (!synced) note_failure(synced.error().message, records);
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

}  // namespace saker::crypto
