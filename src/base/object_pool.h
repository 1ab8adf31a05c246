// ObjectPool<T>: objects recycled through a free list, so that the steady state allocates nothing.
// get() hands out an object as its last user left it: the user resets what it needs.
// One loop's; not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace saker {

template <typename T>
class ObjectPool {
 public:
  // At most `kept` unused objects are kept for reuse.
  explicit ObjectPool(size_t kept = 65536) : kept_(kept) {}

  template <typename... Args>
  T* get(Args&&... args) {
    ++outstanding_;
    if (free_.empty()) return new T(static_cast<Args&&>(args)...);
    T* object = free_.back().release();
    free_.pop_back();
    return object;
  }
  void put(T* object) {
    --outstanding_;
    std::unique_ptr<T> owned(object);
    if (free_.size() < kept_) free_.push_back(std::move(owned));
  }
  // Frees unused objects until `kept` are left.
  void shrink(size_t kept) {
    if (free_.size() <= kept) return;
    free_.resize(kept);
    free_.shrink_to_fit();
  }
  size_t outstanding() const { return outstanding_; }
  size_t unused() const { return free_.size(); }

 private:
  std::vector<std::unique_ptr<T>> free_;
  size_t kept_;
  size_t outstanding_ = 0;
};

}  // namespace saker
