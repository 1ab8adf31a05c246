#include "saker/rpc/frame_pool.h"

#include <array>
#include <new>

namespace saker::rpc {
namespace {

constexpr size_t kStepBytes = 128;
constexpr size_t kSizes = 32;  // frames up to 4 KiB are kept
constexpr size_t kKeptPerSize = 1024;

struct FreeFrame {
  FreeFrame* next;
};

struct FrameLists {
  struct List {
    FreeFrame* head = nullptr;
    size_t count = 0;
  };
  std::array<List, kSizes> lists;

  ~FrameLists() {
    for (List& list : lists) {
      while (list.head != nullptr) {
        FreeFrame* frame = list.head;
        list.head = frame->next;
        ::operator delete(frame);
      }
    }
  }
};

FrameLists& lists_of_thread() {
  thread_local FrameLists frames;
  return frames;
}

FrameLists::List* list_for(size_t bytes) {
  const size_t index = (bytes - 1) / kStepBytes;
  return index < kSizes ? &lists_of_thread().lists[index] : nullptr;
}

}  // namespace

void* allocate_frame(size_t bytes) {
  FrameLists::List* list = list_for(bytes);
  if (list == nullptr) return ::operator new(bytes);
  if (list->head == nullptr)
    return ::operator new((bytes + kStepBytes - 1) / kStepBytes * kStepBytes);
  FreeFrame* frame = list->head;
  list->head = frame->next;
  --list->count;
  return frame;
}

void free_frame(void* frame, size_t bytes) noexcept {
  FrameLists::List* list = list_for(bytes);
  if (list == nullptr || list->count == kKeptPerSize) return ::operator delete(frame);
  list->head = new (frame) FreeFrame{list->head};
  ++list->count;
}

size_t kept_frames() {
  size_t kept = 0;
  for (const FrameLists::List& list : lists_of_thread().lists) kept += list.count;
  return kept;
}

}  // namespace saker::rpc
