// BenchMessages: what a thread of the load generator found out about the messages of its streams,
// beside what it measures of calls. One thread's.
#pragma once

#include <cstdint>
#include <string>

#include "saker/base/time.h"
#include "saker/bench/histogram.h"
#include "saker/grpc/status.h"

namespace saker::app {

class BenchMessages {
 public:
  // Of the measured time:
  uint64_t count() const { return count_; }
  uint64_t count_before_end() const { return before_end_; }  // of the load, not of the grace time
  const bench::Histogram& gaps() const { return gaps_; }
  uint64_t broken() const { return broken_; }  // streams that failed between messages
  const std::string& first_broken() const { return first_broken_; }

  void begin() { measuring_ = true; }
  void end_load() {
    if (!load_ended_) before_end_ = count_;
    load_ended_ = true;
  }
  void end() {
    end_load();
    measuring_ = false;
  }

  void add() {
    if (measuring_) ++count_;
  }
  // So long after the one before it, or after the request.
  void add(Duration gap) {
    if (!measuring_) return;
    ++count_;
    gaps_.record(gap);
  }
  void add_broken(const grpc::Status& status) {
    if (!measuring_ || broken_++ != 0) return;
    first_broken_ = std::string(grpc::status_code_name(status.code)) + ": " + status.message;
  }

 private:
  bool measuring_ = false;
  bool load_ended_ = false;
  uint64_t count_ = 0;
  uint64_t before_end_ = 0;
  uint64_t broken_ = 0;
  std::string first_broken_;
  bench::Histogram gaps_;
};

}  // namespace saker::app
