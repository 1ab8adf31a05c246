// FramePool: coroutine frames recycled per thread and size, so that a streaming or offloaded call
// allocates nothing in the steady state. A frame is freed on the thread that made it:
// calls never leave their loop.
#pragma once

#include <cstddef>

namespace saker::rpc {

void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;
// Frames that this thread keeps for reuse.
size_t kept_frames();

}  // namespace saker::rpc
