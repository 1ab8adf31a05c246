// FramePool: coroutine frames recycled per thread and size, so that a streaming or offloaded call
// allocates nothing in the steady state. A frame is freed on the thread that made it:
// calls never leave their loop.
#pragma once

#include <cstddef>

namespace saker::rpc {

// How much a thread keeps of frames that nobody uses; docs/limits.md.
inline constexpr size_t kMostKeptFrameBytes = 4 << 20;

void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;
// Kept by this thread.
size_t kept_frame_bytes();
size_t kept_frames();

}  // namespace saker::rpc
