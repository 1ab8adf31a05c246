#include "saker/h2/head_cache.h"

#include <algorithm>

namespace saker::h2 {
namespace {

uint64_t hash_of(Bytes block) {
  uint64_t hash = block.size();
  while (!block.empty()) {
    uint64_t word = 0;
    const size_t bytes = std::min(block.size(), sizeof word);
    std::memcpy(&word, block.data(), bytes);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
    block = block.subspan(bytes);
  }
  return hash;
}

bool is_secret(const hpack::Field& field) {
  return field.never_index;
}

std::unique_ptr<CachedHead> copy_head(Bytes block, std::span<const hpack::Field> fields,
                                      const HeadFacts& facts) {
  auto head = std::make_unique<CachedHead>();
  head->block_bytes = static_cast<uint32_t>(block.size());
  std::copy(block.begin(), block.end(), head->block.begin());
  head->facts = facts;
  size_t text_bytes = 0;
  for (const hpack::Field& field : fields) text_bytes += field.name.size() + field.value.size();
  head->text.reserve(text_bytes);
  const auto copy = [&](std::string_view text) {
    const size_t at = head->text.size();
    head->text.insert(head->text.end(), text.begin(), text.end());
    return std::string_view(head->text.data() + at, text.size());
  };
  head->fields.assign(fields.begin(), fields.end());
  for (hpack::Field& field : head->fields) {
    field.name = copy(field.name);
    field.value = copy(field.value);
  }
  return head;
}

}  // namespace

bool HeadCache::seen_before(Bytes block) {
  const uint64_t hash = hash_of(block);
  uint32_t& candidate = candidates_[hash % kMaxHeads];
  const uint32_t mark = static_cast<uint32_t>(hash >> 32) | 1;
  if (candidate == mark) return true;
  candidate = mark;
  return false;
}

void HeadCache::note(Bytes block, uint64_t generation, std::span<const hpack::Field> fields,
                     const HeadFacts& facts) {
  if (generation != generation_) {
    release();
    generation_ = generation;
  }
  if (block.size() > CachedHead::kMaxBlockBytes || !seen_before(block) ||
      std::any_of(fields.begin(), fields.end(), is_secret)) {
    return;
  }
  add(copy_head(block, fields, facts));
}

void HeadCache::add(std::unique_ptr<CachedHead> head) {
  const size_t bytes = head->memory_bytes();
  if (bytes > kMaxBytes) return;
  while (count_ == kMaxHeads || bytes_ + bytes > kMaxBytes) drop(next_++ % count_);
  bytes_ += bytes;
  heads_[count_++] = std::move(head);
}

void HeadCache::drop(size_t at) {
  bytes_ -= heads_[at]->memory_bytes();
  heads_[at] = std::move(heads_[--count_]);
}

void HeadCache::release() {
  heads_ = {};
  candidates_ = {};
  count_ = bytes_ = 0;
}

}  // namespace saker::h2
