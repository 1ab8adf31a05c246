#include "saker/h2/stream_map.h"

#include <utility>

namespace saker::h2 {

void StreamMap::insert(Stream& stream) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  place(stream);
  ++size_;
}

// Robin Hood: whoever is farther from home takes the slot.
void StreamMap::place(Stream& stream) {
  Slot incoming{stream.id, &stream};
  size_t distance = 0;
  for (size_t at = home(incoming.id); slots_[at].id != 0; at = next(at), ++distance) {
    const size_t other = distance_from_home(at);
    if (other >= distance) continue;
    std::swap(incoming, slots_[at]);
    distance = other;
  }
  slots_[(home(incoming.id) + distance) & (slots_.size() - 1)] = incoming;
}

void StreamMap::grow() {
  std::vector<Slot> old(slots_.empty() ? kMinSlots : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != 0) place(*slot.stream);
  }
}

// Backward-shift deletion: whoever is not at home moves one slot nearer. Streams of dense ids all
// are at home, so that in a rush of calls this stops at once, however many are open.
bool StreamMap::erase(StreamId id) {
  if (slots_.empty()) return false;
  size_t hole = home(id);
  while (slots_[hole].id != id) {
    if (slots_[hole].id == 0) return false;
    hole = next(hole);
  }
  for (size_t at = next(hole); slots_[at].id != 0 && distance_from_home(at) != 0; at = next(at)) {
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --size_;
  return true;
}

void StreamMap::shrink() {
  if (size_ == 0 && slots_.size() > kMinSlots) std::vector<Slot>().swap(slots_);
}

}  // namespace saker::h2
