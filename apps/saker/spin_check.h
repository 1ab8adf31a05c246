// SpinCheck: has the machine's speed changed during a round? A fixed loop takes the same time before and
// after it, unless the clock of the CPU, its neighbours or a hypervisor have changed.
#pragma once

#include "saker/base/time.h"

namespace saker::app {

class SpinCheck {
 public:
  static constexpr double kMostChange = 0.03;

  // At the beginning of a round; some ten milliseconds of CPU.
  SpinCheck();
  // At its end.
  bool is_disturbed() const;

  // Whether times of the loop are too far apart.
  static bool differ(Duration before, Duration after);

 private:
  const Duration before_;
};

}  // namespace saker::app
