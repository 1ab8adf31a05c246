#include "saker/services/crypto/rate_limiter.h"

#include <algorithm>

namespace saker::crypto {
namespace {

double seconds_between(Time from, Time to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

}  // namespace

Duration RateLimiter::take(const std::string& identity, const std::string& key,
                           const RateLimit& limit, double cost, Time now) {
  const std::lock_guard lock(mutex_);
  const std::string name = identity + '\n' + key;
  auto at = buckets_.find(name);
  if (at == buckets_.end()) {
    if (buckets_.size() >= kMaxBuckets) drop_full_buckets(now);
    // Still none: callers without a bucket wait like those whose bucket is empty.
    if (buckets_.size() >= kMaxBuckets) return std::chrono::seconds(1);
    at = buckets_.emplace(name, Bucket{limit.burst, now, limit}).first;
  }
  Bucket& bucket = at->second;
  bucket.limit = limit;
  const double gained = seconds_between(bucket.filled_at, now) * limit.per_second;
  bucket.tokens = std::min(limit.burst, bucket.tokens + gained);
  bucket.filled_at = std::max(bucket.filled_at, now);
  // What costs more than a full bucket is let through by a full one, which then owes.
  const double needed = std::min(cost, limit.burst);
  if (bucket.tokens >= needed) {
    bucket.tokens -= cost;
    return Duration::zero();
  }
  const double wait_s = (needed - bucket.tokens) / limit.per_second;
  return std::chrono::duration_cast<Duration>(
             std::chrono::duration<double>(std::min(wait_s, 86'400.0))) +
         std::chrono::milliseconds(1);
}

void RateLimiter::drop_full_buckets(Time now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    const Bucket& bucket = entry.second;
    const double gained = seconds_between(bucket.filled_at, now) * bucket.limit.per_second;
    return bucket.tokens + gained >= bucket.limit.burst;
  });
}

size_t RateLimiter::buckets() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace saker::crypto
