// The last Huffman coded values of :path and what they decode to. Clients built on libnghttp2 send
// the path as such a literal with every call, and a comparison of its coded bytes is several times
// cheaper than decoding them. Holds paths only: nothing secret is told by its timing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "saker/base/bytes.h"

namespace saker::hpack {

class PathMemo {
 public:
  static constexpr size_t kMinCodedBytes = 8;
  static constexpr size_t kMaxCodedBytes = 40;
  static constexpr size_t kMaxTextBytes = kMaxCodedBytes * 8 / 5;

  struct Slot {
    uint8_t coded_bytes = 0;  // 0: empty
    uint8_t text_bytes = 0;
    bool legal = true;
    std::array<uint8_t, kMaxCodedBytes> coded{};
    std::array<char, kMaxTextBytes> text{};
  };

  static bool accepts(Bytes coded) {
    return coded.size() >= kMinCodedBytes && coded.size() <= kMaxCodedBytes;
  }
  // The slot where an accepted path belongs, whether or not it is there.
  Slot& slot_of(Bytes coded) {
    constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
    const uint64_t head = load_be64(coded.data());
    const uint64_t tail = load_be64(coded.data() + coded.size() - 8);
    return slots_[((head ^ tail * kFactor) * kFactor + coded.size()) >> (64 - kSlotBits)];
  }
  static bool holds(const Slot& slot, Bytes coded) {
    if (slot.coded_bytes != coded.size()) return false;
    const size_t last = coded.size() - 8;
    for (size_t at = 0; at < last; at += 8) {
      if (differ(slot, coded, at)) return false;
    }
    return !differ(slot, coded, last);
  }
  static void remember(Slot& slot, Bytes coded, std::string_view text, bool legal) {
    slot.coded_bytes = static_cast<uint8_t>(coded.size());
    slot.text_bytes = static_cast<uint8_t>(text.size());
    slot.legal = legal;
    std::memcpy(slot.coded.data(), coded.data(), coded.size());
    std::memcpy(slot.text.data(), text.data(), text.size());
  }

 private:
  static constexpr unsigned kSlotBits = 5;

  static bool differ(const Slot& slot, Bytes coded, size_t at) {
    return load_be64(slot.coded.data() + at) != load_be64(coded.data() + at);
  }

  std::array<Slot, 1 << kSlotBits> slots_;
};

}  // namespace saker::hpack
