// Interrupt: SIGINT and SIGTERM as calls of a function, on a thread of their own, so that what a
// command does about them may take locks and wake loops; SIGHUP too, for those that want it. From
// its creation on these signals are blocked in this thread and in those it makes: create it before any other thread. One at a time.
#pragma once

#include <functional>
#include <thread>

#include "saker/net/descriptor.h"

namespace saker::app {

class Interrupt {
 public:
  // `on_signal` is called with 1 for the first signal, 2 for the second and so on.
  // `on_hangup` is called for SIGHUP, whose effect stays the default one without it. Neither may wait:
  // the next signal is answered when it has returned.
  explicit Interrupt(std::function<void(int)> on_signal, std::function<void()> on_hangup = {});
  // Waits for a call of on_signal() that is under way. The signals stay blocked: one that comes
  // afterwards waits for the process to end.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  void run();

  std::function<void(int)> on_signal_;
  std::function<void()> on_hangup_;
  net::Descriptor signals_;
  net::Descriptor quit_;
  std::thread thread_;
};

// What a command that leaves nothing half done does about a signal: ends with kExitInterrupted.
[[noreturn]] void exit_interrupted(int count);

}  // namespace saker::app
