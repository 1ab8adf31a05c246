// ReloadThread: reads again what a server was started with, when it is asked to and, where a period is
// set, every so often. On a thread of its own, because what is read may not answer (a file system of
// a machine that is away, a token that is silent), and signals are to be answered all the same.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace saker::app {

class ReloadThread {
 public:
  using Period = std::chrono::milliseconds;
  // `work` is told whether somebody asked for it. `period` zero: not unless somebody asks. Nothing
  // happens before start().
  explicit ReloadThread(std::function<void(bool asked)> work, Period period = Period::zero());
  // Waits for work that is under way.
  ~ReloadThread();
  ReloadThread(const ReloadThread&) = delete;
  ReloadThread& operator=(const ReloadThread&) = delete;

  void start();
  // Any thread: soon, also where some is under way already.
  void ask();
  // No work begins from now on. False: some has been under way for a second more, and it is not known
  // that it will ever end.
  bool end();

 private:
  void run();
  void wait(std::unique_lock<std::mutex>& lock);

  const std::function<void(bool)> work_;
  const Period period_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  bool works_ = false;
  bool quits_ = false;
  std::thread thread_;
};

}  // namespace saker::app
