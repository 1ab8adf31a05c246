#include "saker/rpc/codec.h"

#include <algorithm>

namespace saker::rpc {

bool ChunkInputStream::Next(const void** data, int* size) {
  while (at_ != nullptr && offset_ == at_->size()) {
    before_ += at_->size();
    offset_ = 0;
    at_ = at_->next;
  }
  if (at_ == nullptr) return false;
  *data = at_->storage + at_->begin + offset_;
  *size = static_cast<int>(at_->size() - offset_);
  offset_ = at_->size();
  return true;
}

bool ChunkInputStream::Skip(int count) {
  const void* data = nullptr;
  int size = 0;
  while (count > 0 && Next(&data, &size)) {
    if (size > count) BackUp(size - count);
    count -= std::min(size, count);
  }
  return count == 0;
}

bool ChunkOutputStream::Next(void** data, int* size) {
  flush();
  *data = chunks_->prepare(1);
  pending_ = chunks_->room();
  *size = static_cast<int>(pending_);
  return true;
}

}  // namespace saker::rpc
