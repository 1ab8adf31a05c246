#include "saker/rpc/frame_pool.h"

#include <array>
#include <new>
#include <utility>

namespace saker::rpc {
namespace {

constexpr size_t kStepBytes = 128;
constexpr size_t kSizes = 32;  // frames up to 4 KiB are kept

struct FreeFrame {
  FreeFrame* next;
};

struct FrameLists {
  std::array<FreeFrame*, kSizes> heads{};
  size_t bytes = 0;  // in all of them
  size_t frames = 0;
  size_t victim = 0;  // whose turn it is to make room

  FreeFrame* pop(size_t index) {
    FreeFrame* frame = heads[index];
    heads[index] = frame->next;
    bytes -= (index + 1) * kStepBytes;
    --frames;
    return frame;
  }
  void push(size_t index, void* frame) {
    heads[index] = new (frame) FreeFrame{heads[index]};
    bytes += (index + 1) * kStepBytes;
    ++frames;
  }
  // All sizes in turn: what was much used once does not keep out what is used now.
  void drop_one() {
    do victim = (victim + 1) % kSizes;
    while (heads[victim] == nullptr);
    ::operator delete(pop(victim));
  }
  ~FrameLists() {
    for (FreeFrame* head : heads) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }
};

FrameLists& lists() {
  thread_local FrameLists frames;
  return frames;
}

size_t index_of(size_t bytes) {
  return (bytes - 1) / kStepBytes;
}

}  // namespace

void* allocate_frame(size_t bytes) {
  const size_t index = index_of(bytes);
  if (index >= kSizes) return ::operator new(bytes);
  FrameLists& kept = lists();
  if (kept.heads[index] == nullptr) return ::operator new((index + 1) * kStepBytes);
  return kept.pop(index);
}

void free_frame(void* frame, size_t bytes) noexcept {
  const size_t index = index_of(bytes);
  if (index >= kSizes) return ::operator delete(frame);
  FrameLists& kept = lists();
  kept.push(index, frame);
  while (kept.bytes > kMostKeptFrameBytes) kept.drop_one();
}

size_t kept_frame_bytes() {
  return lists().bytes;
}
size_t kept_frames() {
  return lists().frames;
}

}  // namespace saker::rpc
