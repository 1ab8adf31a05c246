// ReplayBuffer: the requests of one call as they were sent, for another attempt (gRFC A6). Holds
// whole messages with their prefixes; bounded by whoever fills it. One loop.
#pragma once

#include "saker/base/chunk.h"

namespace saker::rpc {

class ReplayBuffer {
 public:
  explicit ReplayBuffer(ChunkPool& pool) : bytes_(pool) {}

  void keep(const ChunkQueue& message, bool last) {
    copy(message, bytes_);
    last_ = last;
    is_empty_ = false;
  }
  void copy_to(ChunkQueue& out) const { copy(bytes_, out); }
  void clear() {
    bytes_.clear();
    last_ = false;
    is_empty_ = true;
  }

  size_t bytes() const { return bytes_.size(); }
  bool last() const { return last_; }          // nothing follows
  bool is_empty() const { return is_empty_; }  // not even the end

 private:
  static void copy(const ChunkQueue& from, ChunkQueue& to) {
    for (const Chunk* at = from.front(); at != nullptr; at = at->next) to.append(at->bytes());
  }

  ChunkQueue bytes_;
  bool last_ = false;
  bool is_empty_ = true;
};

}  // namespace saker::rpc
