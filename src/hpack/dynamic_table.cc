// Growth of the two rings. Storage is doubled when it would be more than three quarters full and
// else only compacted, so that moving costs a constant per byte inserted and the ring stays below
// three times the table's size.
#include "saker/hpack/dynamic_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace saker::hpack {
namespace {

constexpr uint32_t kFirstEntries = 4;
constexpr size_t kFirstStorageBytes = 128;

void copy_text(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
}

}  // namespace

void DynamicTable::evict_oldest() {
  SAKER_DCHECK(count_ > 0);
  const Entry& gone = at(count_ - 1);
  bytes_ -= gone.name_bytes + gone.value_bytes + kEntryOverheadBytes;
  --count_;
  if (count_ == 0) {
    end_ = 0;
    wrapped_ = false;
  } else if (at(count_ - 1).offset < gone.offset) {
    wrapped_ = false;
  }
}

uint32_t DynamicTable::place_for(size_t text_bytes) const {
  const uint32_t begin = count_ == 0 ? 0 : at(count_ - 1).offset;
  if (wrapped_) return begin - end_ >= text_bytes ? end_ : kNoRoom;
  if (storage_capacity_ - end_ >= text_bytes) return end_;
  return begin >= text_bytes ? 0 : kNoRoom;
}

bool DynamicTable::has_room(size_t text_bytes) const {
  return !entries_full() && place_for(text_bytes) != kNoRoom;
}

void DynamicTable::make_room(size_t text_bytes) {
  if (entries_full()) grow_entries();
  if (place_for(text_bytes) == kNoRoom) move_storage(text_bytes);
  SAKER_DCHECK(has_room(text_bytes));
}

void DynamicTable::grow_entries() {
  const uint32_t capacity = entries_ == nullptr ? kFirstEntries : (mask_ + 1) * 2;
  auto grown = std::make_unique<Entry[]>(capacity);
  for (uint32_t age = 0; age < count_; ++age) {
    grown[static_cast<uint32_t>(inserted_ - 1 - age) & (capacity - 1)] = at(age);
  }
  entries_ = std::move(grown);
  mask_ = capacity - 1;
}

void DynamicTable::move_storage(size_t text_bytes) {
  const size_t needed = this->text_bytes() + text_bytes;
  size_t capacity =
      std::max({kFirstStorageBytes, size_t{storage_capacity_}, std::bit_ceil(needed)});
  if (capacity == storage_capacity_ && needed > capacity - capacity / 4) capacity *= 2;
  auto moved = std::make_unique_for_overwrite<char[]>(capacity);
  uint32_t end = 0;
  for (uint32_t age = count_; age-- > 0;) {
    Entry& entry = at(age);
    const uint32_t size = entry.name_bytes + entry.value_bytes;
    copy_text(moved.get() + end, {storage_.get() + entry.offset, size});
    entry.offset = std::exchange(end, end + size);
  }
  storage_ = std::move(moved);
  storage_capacity_ = static_cast<uint32_t>(capacity);
  end_ = end;
  wrapped_ = false;
}

DynamicTable::Entry& DynamicTable::append(std::string_view name, std::string_view value) {
  const size_t size = name.size() + value.size();
  SAKER_DCHECK(has_room(size));
  const uint32_t offset = place_for(size);
  if (offset < end_) wrapped_ = true;
  copy_text(storage_.get() + offset, name);
  copy_text(storage_.get() + offset + name.size(), value);
  end_ = offset + static_cast<uint32_t>(size);
  ++inserted_;
  ++count_;
  bytes_ += static_cast<uint32_t>(size) + kEntryOverheadBytes;
  Entry& entry = at(0);
  entry = {.offset = offset,
           .name_bytes = static_cast<uint32_t>(name.size()),
           .value_bytes = static_cast<uint32_t>(value.size())};
  return entry;
}

void DynamicTable::release() {
  SAKER_DCHECK(count_ == 0);
  entries_ = nullptr;
  storage_ = nullptr;
  mask_ = 0;
  storage_capacity_ = 0;
  end_ = 0;
}

}  // namespace saker::hpack
