#include "saker/h2/stream_map.h"

namespace saker::h2 {

void StreamMap::insert(Stream& stream) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  place(stream);
  ++size_;
}

void StreamMap::place(Stream& stream) {
  size_t at = home(stream.id);
  while (slots_[at].id != 0) at = next(at);
  slots_[at] = {stream.id, &stream};
}

void StreamMap::grow() {
  std::vector<Slot> old(slots_.empty() ? kMinSlots : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != 0) place(*slot.stream);
  }
}

// Backward-shift deletion: whatever could not sit at home because of the hole moves into it.
void StreamMap::erase(StreamId id) {
  if (slots_.empty()) return;
  size_t hole = home(id);
  while (slots_[hole].id != id) {
    if (slots_[hole].id == 0) return;
    hole = next(hole);
  }
  for (size_t at = next(hole); slots_[at].id != 0; at = next(at)) {
    const size_t mask = slots_.size() - 1;
    const size_t distance_from_home = (at - home(slots_[at].id)) & mask;
    const size_t distance_from_hole = (at - hole) & mask;
    if (distance_from_home < distance_from_hole) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --size_;
}

void StreamMap::shrink() {
  if (size_ == 0 && slots_.size() > kMinSlots) std::vector<Slot>().swap(slots_);
}

}  // namespace saker::h2
