#include "interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "command_line.h"

namespace saker::app {
namespace {

sigset_t wanted_signals(bool hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangup) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

// Without descriptors the signals keep their default effect, which ends the process all the same.
Interrupt::Interrupt(std::function<void(int)> on_signal, std::function<void()> on_hangup)
    : on_signal_(std::move(on_signal)), on_hangup_(std::move(on_hangup)) {
  const sigset_t set = wanted_signals(on_hangup_ != nullptr);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  quit_.reset(eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !quit_) return;
  (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);  // fails only for another `how`
  thread_ = std::thread([this] { run(); });
}

Interrupt::~Interrupt() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  (void)!::write(quit_.get(), &one, sizeof one);  // cannot fail below 2^64 - 1 writes
  thread_.join();
}

void Interrupt::run() {
  pollfd ready[] = {{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
  for (int count = 0;;) {
    if (::poll(ready, 2, -1) < 0) continue;  // EINTR
    if (ready[1].revents != 0) return;
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP) {
        on_hangup_();
      } else {
        on_signal_(++count);
      }
    }
  }
}

void exit_interrupted(int) {
  _exit(kExitInterrupted);
}

}  // namespace saker::app
