// BenchConnects: how long the connections took that a thread of the load generator made during the
// measured time. Its thread's; begin() to take() is that time.
#pragma once

#include <utility>

#include "saker/bench/histogram.h"
#include "saker/rpc/connection_observer.h"

namespace saker::app {

class BenchConnects final : public rpc::ConnectionObserver {
 public:
  void begin() {
    measured_ = bench::Histogram();
    measuring_ = true;
  }
  bench::Histogram take() {
    measuring_ = false;
    return std::exchange(measured_, bench::Histogram());
  }

  void on_connected(Duration took) override {
    if (measuring_) measured_.record(took);
  }

 private:
  bench::Histogram measured_;
  bool measuring_ = false;
};

}  // namespace saker::app
