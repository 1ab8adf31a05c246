#include "reload_thread.h"

#include <utility>

namespace saker::app {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);

}  // namespace

ReloadThread::ReloadThread(std::function<void(bool asked)> work, Period period)
    : work_(std::move(work)), period_(period) {}

ReloadThread::~ReloadThread() {
  (void)end();
  if (thread_.joinable()) thread_.join();
}

void ReloadThread::start() {
  thread_ = std::thread([this] { run(); });
}

void ReloadThread::ask() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  changed_.notify_all();
}

bool ReloadThread::end() {
  std::unique_lock lock(mutex_);
  quits_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, kPatience, [this] { return !works_; });
}

void ReloadThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wait(lock);
    if (quits_) return;
    const bool asked = std::exchange(asked_, false);
    works_ = true;
    lock.unlock();
    work_(asked);
    lock.lock();
    works_ = false;
    changed_.notify_all();
  }
}

void ReloadThread::wait(std::unique_lock<std::mutex>& lock) {
  const auto is_due = [this] { return asked_ || quits_; };
  if (period_ == Period::zero()) {
    changed_.wait(lock, is_due);
  } else {
    changed_.wait_for(lock, period_, is_due);
  }
}

}  // namespace saker::app
