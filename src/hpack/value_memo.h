// The last long Huffman coded values of one connection and what they decode to. A bearer token of
// 1 KiB comes with every call and is never indexed (RFC 7541 section 7.1); to compare its coded
// bytes costs a fiftieth of decoding them. One connection's own: its timing tells nobody of others'
// secrets. At most kSlots * kMaxSlotBytes, allocated when the first long value comes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "saker/base/bytes.h"

namespace saker::hpack {

class ValueMemo {
 public:
  static constexpr size_t kMinCodedBytes = 64;
  static constexpr size_t kMaxCodedBytes = 2048;
  static constexpr size_t kMaxTextBytes = kMaxCodedBytes * 8 / 5;
  static constexpr size_t kMaxSlotBytes = kMaxCodedBytes + kMaxTextBytes;
  static constexpr size_t kSlots = 2;

  struct Slot {
    std::unique_ptr<char[]> bytes;  // the coded value, then its text
    uint32_t capacity = 0;
    uint32_t coded_bytes = 0;  // 0: empty
    uint32_t text_bytes = 0;
    bool legal = true;

    std::string_view text() const { return {bytes.get() + coded_bytes, text_bytes}; }
  };

  static bool accepts(Bytes coded) {
    return coded.size() >= kMinCodedBytes && coded.size() <= kMaxCodedBytes;
  }
  // The slot that holds `coded`, or null.
  const Slot* try_find(Bytes coded) const {
    for (const Slot& slot : slots_) {
      if (slot.coded_bytes == coded.size() &&
          std::memcmp(slot.bytes.get(), coded.data(), coded.size()) == 0) {
        return &slot;
      }
    }
    return nullptr;
  }
  // Takes the place of the older one.
  void remember(Bytes coded, std::string_view text, bool legal) {
    Slot& slot = slots_[next_++ % kSlots];
    const size_t bytes = coded.size() + text.size();
    if (bytes > slot.capacity) {
      slot.bytes = std::make_unique_for_overwrite<char[]>(bytes);
      slot.capacity = static_cast<uint32_t>(bytes);
    }
    slot.coded_bytes = static_cast<uint32_t>(coded.size());
    slot.text_bytes = static_cast<uint32_t>(text.size());
    slot.legal = legal;
    std::memcpy(slot.bytes.get(), coded.data(), coded.size());
    if (!text.empty()) std::memcpy(slot.bytes.get() + coded.size(), text.data(), text.size());
  }
  void release() { slots_ = {}; }
  size_t memory_bytes() const {
    size_t bytes = 0;
    for (const Slot& slot : slots_) bytes += slot.capacity;
    return bytes;
  }

 private:
  std::array<Slot, kSlots> slots_;
  uint32_t next_ = 0;
};

}  // namespace saker::hpack
