// Timeline: how a run went, second by second. A point is what ended in one interval; past kMaxPoints
// neighbours are merged and the interval doubles, so that a run of any length keeps 500 to 1,000
// points and a bounded memory. All threads of a run count from one origin, so that their timelines
// can be merged.
//
//   | 0 | 1 | 2 | 3 | …        each 1 s
//   |  0+1  |  2+3  | …        each 2 s, once there would be more than kMaxPoints
//
// Knows no clock. Thread rule: one writer; merge after it is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "saker/base/time.h"
#include "saker/bench/coarse_histogram.h"

namespace saker::bench {

struct TimelinePoint {
  uint64_t calls = 0;  // that ended, well or not
  uint64_t errors = 0;
  Duration max{};         // latency, corrected
  Duration cpu{};         // of the generator
  Duration server_cpu{};  // where known
  CoarseHistogram latencies;

  void merge(const TimelinePoint& other);
};

// A point as reports keep it.
struct TimelineRow {
  uint64_t calls = 0;
  uint64_t errors = 0;
  Duration p50{};
  Duration p99{};
  Duration max{};
  Duration cpu{};
  Duration server_cpu{};
};

class Timeline {
 public:
  static constexpr size_t kMaxPoints = 1000;
  static constexpr Duration kFirstInterval = std::chrono::seconds(1);

  // Of the interval in which `since_origin` lies; before the origin counts as the first one.
  void add(Duration since_origin, const TimelinePoint& point);
  void merge(Timeline other);

  Duration interval() const { return interval_; }
  size_t size() const { return points_.size(); }
  const TimelinePoint& operator[](size_t index) const { return points_[index]; }

  // Of a run that took `duration`: one row an interval. A remainder shorter than half an interval
  // goes with the last whole one, lest its rate be made of a handful of calls.
  std::vector<TimelineRow> rows(Duration duration) const;

 private:
  void double_interval();

  Duration interval_ = kFirstInterval;
  std::vector<TimelinePoint> points_;
};

// How many rows a run of that length has.
size_t timeline_rows(Duration duration, Duration interval);
// How long row `index` of `rows` lasts: the interval, but of the last one what is left.
Duration row_length(size_t index, size_t rows, Duration duration, Duration interval);

// Turns the running totals of one thread into points: cut() at the end of each second.
class TimelineRecorder {
 public:
  struct Totals {
    uint64_t calls = 0;
    uint64_t errors = 0;
    Duration cpu{};
  };

  // From now on; `totals` is what was counted before.
  void start(Time origin, const Totals& totals);
  // When the current second ends; kNever before start().
  Time next_cut() const { return next_cut_; }
  void see_latency(Duration corrected) {
    if (corrected > max_) max_ = corrected;
  }
  // Everything since the last cut belongs to the second that had begun there: call it before
  // anything is counted at or after next_cut().
  const TimelinePoint& cut(Time now, const Totals& totals, const Histogram& corrected);

  const Timeline& timeline() const { return timeline_; }

 private:
  Time origin_{};
  Time next_cut_ = kNever;
  Totals totals_;
  Duration max_{};
  std::vector<uint64_t> counts_;
  TimelinePoint last_;
  Timeline timeline_;
};

}  // namespace saker::bench
