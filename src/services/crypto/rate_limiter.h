// RateLimiter: token buckets by caller and key. A bucket that is full again says nothing that no
// bucket would not say, so that full ones make way for new ones. Knows no clock: `now` is an
// argument. Thread rule: any thread; one mutex, held for one look-up, and not taken at all by calls
// whose rule has no rate.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "saker/base/time.h"
#include "saker/services/crypto/policy.h"

namespace saker::crypto {

class RateLimiter {
 public:
  static constexpr size_t kMaxBuckets = 65'536;  // limit: callers times keys with a rate
  // Zero: go ahead, `cost` has been paid. Otherwise nothing was paid, and it is worth trying again
  // after so long.
  Duration take(const std::string& identity, const std::string& key, const RateLimit& limit,
                double cost, Time now);
  size_t buckets() const;

 private:
  struct Bucket {
    double tokens;
    Time filled_at;
    RateLimit limit;
  };
  void drop_full_buckets(Time now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace saker::crypto
