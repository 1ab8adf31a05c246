// The dynamic table (RFC 7541 section 2.3.2 and 4), for both directions: a ring of small entries
// and a ring of bytes that holds their names and values, each pair in one piece. Both are allocated
// at the first insertion and grow by need, so an idle connection
// with gRPC's ten entries keeps less than 1 KiB.
//
//   entries:  [ . . oldest ... newest . . ]                        by number modulo capacity
//   bytes:    [ newest.. ] end_ .... begin [ oldest.. ... ] gap    one wrap at most; gap is
//                                                                  too small for what came next
//
// Does not know who else points into it: the owner looks after that before evict_oldest() and
// before make_room() moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "saker/base/check.h"
#include "saker/hpack/field.h"

namespace saker::hpack {

constexpr uint32_t kEntryOverheadBytes = 32;  // RFC 7541 section 4.1
// RFC 7541 leaves the table's size to the endpoint; this bound keeps offsets within 32 bits.
constexpr uint32_t kLargestTableBytes = 16 << 20;

class DynamicTable {
 public:
  struct Entry {
    uint64_t memo = 0;  // the encoder's hashes of name and field
    uint32_t offset = 0;
    uint32_t name_bytes = 0;
    uint32_t value_bytes = 0;
    Token token = Token::kOther;
    bool legal = true;  // name and value
    bool name_legal = true;
  };

  // The table as it stands, for loops that read many entries: by value, so that it stays in
  // registers. Stale after any change.
  struct View {
    Entry* entries;
    const char* storage;
    uint32_t newest;
    uint32_t mask;
    uint32_t count;

    const Entry& at(uint32_t age) const { return entries[(newest - age) & mask]; }
  };
  View view() const {
    return {entries_.get(), storage_.get(), static_cast<uint32_t>(inserted_ - 1), mask_, count_};
  }

  uint32_t count() const { return count_; }
  uint32_t bytes() const { return bytes_; }  // RFC size
  // Entries are numbered in the order of insertion, from 0.
  uint64_t oldest_number() const { return inserted_ - count_; }
  uint64_t inserted() const { return inserted_; }

  // `age`: 0 is the newest; below count().
  Entry& at(uint32_t age) { return entries_[static_cast<uint32_t>(inserted_ - 1 - age) & mask_]; }
  const Entry& at(uint32_t age) const { return const_cast<DynamicTable*>(this)->at(age); }
  std::string_view name(const Entry& entry) const {
    return {storage_.get() + entry.offset, entry.name_bytes};
  }
  std::string_view value(const Entry& entry) const {
    return {storage_.get() + entry.offset + entry.name_bytes, entry.value_bytes};
  }
  bool owns(const char* p) const {
    return p >= storage_.get() && p <= storage_.get() + storage_capacity_;
  }

  void evict_oldest();
  // Whether an entry of `text_bytes` (name + value) can be appended without moving others.
  bool has_room(size_t text_bytes) const;
  // Moves everything to where has_room(text_bytes) holds.
  void make_room(size_t text_bytes);
  // Appends a copy. has_room() holds; name and value do not lie in evicted entries.
  Entry& append(std::string_view name, std::string_view value);
  // Gives the memory back; the table is empty.
  void release();

  size_t memory_bytes() const {
    return storage_capacity_ + (entries_ == nullptr ? 0 : (mask_ + size_t{1}) * sizeof(Entry));
  }

 private:
  static constexpr uint32_t kNoRoom = UINT32_MAX;

  uint32_t place_for(size_t text_bytes) const;
  size_t text_bytes() const { return bytes_ - size_t{count_} * kEntryOverheadBytes; }
  bool entries_full() const { return entries_ == nullptr || count_ > mask_; }
  void grow_entries();
  void move_storage(size_t text_bytes);

  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<char[]> storage_;
  uint64_t inserted_ = 0;
  uint32_t mask_ = 0;  // capacity of entries_ - 1
  uint32_t count_ = 0;
  uint32_t bytes_ = 0;
  uint32_t storage_capacity_ = 0;
  uint32_t end_ = 0;      // behind the newest entry's text
  bool wrapped_ = false;  // the newest lies before the oldest
};

}  // namespace saker::hpack
