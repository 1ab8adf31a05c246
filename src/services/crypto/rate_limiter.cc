#include "saker/services/crypto/rate_limiter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace saker::crypto {
namespace {

double seconds_between(Time from, Time to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

template <typename Number>
void append_raw(Number number, std::string& out) {
  const auto bytes = std::bit_cast<std::array<char, sizeof number>>(number);
  out.append(bytes.data(), bytes.size());
}

// By the rule and by what it says: a rule that was changed, and calls that began under the one
// before, fill no bucket of each other's. No key's name has a newline in it.
std::string bucket_name(const std::string& identity, const std::string& key,
                        const RateLimit& limit) {
  std::string name = identity + '\n' + key;
  append_raw(limit.rule, name);
  append_raw(limit.per_second, name);
  append_raw(limit.burst, name);
  return name;
}

}  // namespace

double RateLimiter::Bucket::tokens_at(Time now) const {
  return std::min(limit.burst, tokens + seconds_between(filled_at, now) * limit.per_second);
}

Duration RateLimiter::take(const std::string& identity, const std::string& key,
                           const RateLimit& limit, double cost, Time now) {
  const std::string name = bucket_name(identity, key, limit);
  const std::lock_guard lock(mutex_);
  const auto at = find_or_add(name, limit, now);
  // None is left: callers without a bucket wait like those whose bucket is empty.
  if (at == buckets_.end()) return std::chrono::seconds(1);
  Bucket& bucket = at->second;
  bucket.tokens = bucket.tokens_at(now);
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

RateLimiter::Table::iterator RateLimiter::find_or_add(const std::string& name,
                                                      const RateLimit& limit, Time now) {
  const auto at = buckets_.find(name);
  if (at != buckets_.end()) return at;
  sweep(now);
  if (buckets_.size() >= kMaxBuckets) return buckets_.end();
  return buckets_.emplace(name, Bucket{limit, limit.burst, now}).first;
}

// Drops the full buckets of some slots. A table that grew meanwhile has its buckets in other slots:
// the next round finds what this one has missed.
void RateLimiter::sweep(Time now) {
  const size_t slots = buckets_.bucket_count();
  std::vector<Table::const_iterator> full;
  for (size_t left = std::min(kSweptSlots, slots); left > 0; --left) {
    if (swept_to_ >= slots) swept_to_ = 0;
    for (auto at = buckets_.cbegin(swept_to_); at != buckets_.cend(swept_to_); ++at) {
      if (at->second.tokens_at(now) >= at->second.limit.burst)
        full.push_back(buckets_.find(at->first));
    }
    ++swept_to_;
  }
  for (const auto at : full) buckets_.erase(at);
}

size_t RateLimiter::buckets() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace saker::crypto
