// RateLimiter: token buckets by caller, key and rule. A bucket that is full again says nothing that
// no bucket would not say, so that full ones make way for new ones: each new one looks for them in
// one piece of the table, the next one in the next. Knows no clock: `now` is an argument. Thread
// rule: any thread; one mutex, held for one look-up and at most one piece, and not taken at all by
// calls whose rule has no rate.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "saker/base/time.h"
#include "saker/services/crypto/policy.h"

namespace saker::crypto {

class RateLimiter {
 public:
  static constexpr size_t kMaxBuckets = 65'536;  // limit: callers times keys times rules
  static constexpr size_t kSweptSlots = 64;      // limit: slots of the table that one call sweeps
  // Zero: go ahead, `cost` has been paid. Otherwise nothing was paid, and it is worth trying again
  // after so long.
  Duration take(const std::string& identity, const std::string& key, const RateLimit& limit,
                double cost, Time now);
  size_t buckets() const;

 private:
  struct Bucket {
    RateLimit limit;
    double tokens;
    Time filled_at;

    double tokens_at(Time now) const;
  };
  using Table = std::unordered_map<std::string, Bucket>;
  Table::iterator find_or_add(const std::string& name, const RateLimit& limit, Time now);
  void sweep(Time now);

  mutable std::mutex mutex_;
  Table buckets_;
  size_t swept_to_ = 0;  // the table's slot that the next sweep begins with
};

}  // namespace saker::crypto
