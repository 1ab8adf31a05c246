// StreamMap: stream id to Stream*. Open addressing on id / 2: the live ids of a connection are a
// nearly dense range, so a table of twice their number has hardly a collision. Grows by doubling;
// shrink() gives the memory back once it is empty.
#pragma once

#include <cstdint>
#include <vector>

#include "saker/h2/stream.h"

namespace saker::h2 {

class StreamMap {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Stream* find(StreamId id) const {
    if (slots_.empty()) return nullptr;
    for (size_t at = home(id);; at = next(at)) {
      if (slots_[at].id == id) return slots_[at].stream;
      if (slots_[at].id == 0) return nullptr;
    }
  }
  void insert(Stream& stream);  // its id is not in the map
  bool erase(StreamId id);      // false: it is not there
  // Frees what an earlier rush left behind; only an empty map shrinks.
  void shrink();
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.id != 0) visit(*slot.stream);
    }
  }

 private:
  struct Slot {
    StreamId id = 0;
    Stream* stream = nullptr;
  };
  static constexpr size_t kMinSlots = 8;

  size_t home(StreamId id) const { return (id >> 1) & (slots_.size() - 1); }
  size_t next(size_t at) const { return (at + 1) & (slots_.size() - 1); }
  size_t distance_from_home(size_t at) const {
    return (at - home(slots_[at].id)) & (slots_.size() - 1);
  }
  void place(Stream& stream);
  void grow();

  std::vector<Slot> slots_;  // empty, or a power of two, at most half full; runs ordered by home
  size_t size_ = 0;
};

}  // namespace saker::h2
