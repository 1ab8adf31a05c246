// SpinBudget: whether a loop that may busy-poll should. Spinning pays when what it waits for comes
// soon and nobody else wants the CPU; it stops when several spins in a row found nothing, until a
// sleep turns out to have been so short that a spin would have caught its end, and for a while when
// the kernel takes the CPU away from spinning (involuntary context switches, getrusage(2)). Pure.
#pragma once

#include <cstdint>

#include "saker/base/time.h"

namespace saker::net {

class SpinBudget {
 public:
  static constexpr int kFruitlessSpins = 16;
  static constexpr uint32_t kSpinsPerCheck = 256;
  static constexpr Duration kRest = std::chrono::seconds(1);

  explicit SpinBudget(Duration most) : most_(most) {}

  bool is_wanted() const { return most_ > Duration::zero(); }
  // How long to look for work now; zero: sleep at once.
  Duration next(Time now) const { return gave_up_ || now < rest_until_ ? Duration::zero() : most_; }
  void on_spin(bool found) {
    ++spins_;
    fruitless_ = found ? 0 : fruitless_ + 1;
    gave_up_ = fruitless_ >= kFruitlessSpins;
  }
  // The loop has slept so long, and something other than its own timer has woken it.
  void on_woken(Duration slept) {
    if (slept >= most_) return;
    fruitless_ = 0;
    gave_up_ = false;
  }
  // True now and then: tell on_switches() of the thread's involuntary switches so far.
  bool wants_switches() const { return spins_ >= kSpinsPerCheck; }
  void on_switches(Time now, int64_t switches) {
    // More than one spin in four was interrupted.
    const bool contended = switches - switches_ > int64_t{spins_} / 4;
    if (contended && checked_) rest_until_ = time_after(now, kRest);
    checked_ = true;
    switches_ = switches;
    spins_ = 0;
  }

 private:
  Duration most_;
  Time rest_until_{};
  int64_t switches_ = 0;
  uint32_t spins_ = 0;
  int fruitless_ = 0;
  bool gave_up_ = false;
  bool checked_ = false;  // switches_ means something
};

}  // namespace saker::net
