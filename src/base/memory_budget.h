// MemoryBudget: bytes that a peer can make grow. Whatever a peer's behaviour sizes is charged here
// first and refused when the budget is spent. Budgets nest (connection within server);
// single-threaded unless said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "saker/base/check.h"

namespace saker {

class MemoryBudget {
 public:
  explicit MemoryBudget(size_t limit_bytes, MemoryBudget* parent = nullptr)
      : limit_(limit_bytes), parent_(parent) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Charges `bytes` here and in every parent, or nothing at all.
  [[nodiscard]] bool try_charge(size_t bytes) {
    if (bytes > limit_ - used_) return false;
    if (parent_ != nullptr && !parent_->try_charge(bytes)) return false;
    used_ += bytes;
    return true;
  }
  void release(size_t bytes) {
    SAKER_DCHECK(bytes <= used_);
    used_ -= bytes;
    if (parent_ != nullptr) parent_->release(bytes);
  }

  size_t used() const { return used_; }
  size_t limit() const { return limit_; }
  size_t available() const { return limit_ - used_; }

 private:
  size_t limit_;
  size_t used_ = 0;
  MemoryBudget* parent_;
};

}  // namespace saker
