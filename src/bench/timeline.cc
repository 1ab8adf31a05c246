#include "saker/bench/timeline.h"

#include <algorithm>

namespace saker::bench {

void TimelinePoint::merge(const TimelinePoint& other) {
  calls += other.calls;
  errors += other.errors;
  max = std::max(max, other.max);
  cpu += other.cpu;
  server_cpu += other.server_cpu;
  latencies.merge(other.latencies);
}

void Timeline::add(Duration since_origin, const TimelinePoint& point) {
  const Duration offset = std::max(since_origin, Duration::zero());
  while (offset / interval_ >= static_cast<int64_t>(kMaxPoints)) double_interval();
  const auto index = static_cast<size_t>(offset / interval_);
  if (index >= points_.size()) points_.resize(index + 1);
  points_[index].merge(point);
}

void Timeline::merge(Timeline other) {
  while (interval_ < other.interval_) double_interval();
  while (other.interval_ < interval_) other.double_interval();
  if (other.size() > size()) points_.resize(other.size());
  for (size_t i = 0; i < other.size(); ++i) points_[i].merge(other.points_[i]);
}

void Timeline::double_interval() {
  interval_ *= 2;
  for (size_t i = 1; i < points_.size(); ++i) {
    if (i % 2 == 0) {
      points_[i / 2] = std::move(points_[i]);
    } else {
      points_[i / 2].merge(points_[i]);
    }
  }
  points_.resize((points_.size() + 1) / 2);
}

std::vector<TimelineRow> Timeline::rows(Duration duration) const {
  const size_t count = timeline_rows(duration, interval_);
  std::vector<TimelinePoint> whole(count);
  for (size_t i = 0; i < size(); ++i) whole[std::min(i, count - 1)].merge(points_[i]);
  std::vector<TimelineRow> rows;
  for (const TimelinePoint& point : whole) {
    rows.push_back({.calls = point.calls,
                    .errors = point.errors,
                    .p50 = point.latencies.percentile(50, point.max),
                    .p99 = point.latencies.percentile(99, point.max),
                    .max = point.max,
                    .cpu = point.cpu,
                    .server_cpu = point.server_cpu});
  }
  return rows;
}

size_t timeline_rows(Duration duration, Duration interval) {
  if (duration <= Duration::zero() || interval <= Duration::zero()) return 1;
  const int64_t rows = (duration + interval / 2) / interval;
  return static_cast<size_t>(std::max<int64_t>(rows, 1));
}

Duration row_length(size_t index, size_t rows, Duration duration, Duration interval) {
  return index + 1 < rows ? interval : duration - interval * static_cast<int64_t>(index);
}

void TimelineRecorder::start(Time origin, const Totals& totals) {
  origin_ = origin;
  next_cut_ = time_after(origin, Timeline::kFirstInterval);
  totals_ = totals;
  max_ = Duration::zero();
}

const TimelinePoint& TimelineRecorder::cut(Time now, const Totals& totals,
                                           const Histogram& corrected) {
  std::vector<uint64_t> counts = CoarseHistogram::counts_of(corrected);
  last_ = {.calls = totals.calls - totals_.calls,
           .errors = totals.errors - totals_.errors,
           .max = max_,
           .cpu = totals.cpu - totals_.cpu,
           .latencies = CoarseHistogram::since(counts_, counts)};
  timeline_.add(next_cut_ - Timeline::kFirstInterval - origin_, last_);
  counts_ = std::move(counts);
  totals_ = totals;
  max_ = Duration::zero();
  const int64_t seconds = std::max(now - origin_, Duration::zero()) / Timeline::kFirstInterval;
  next_cut_ = time_after(origin_, Timeline::kFirstInterval * (seconds + 1));
  return last_;
}

}  // namespace saker::bench
