#include "saker/rpc/frame_pool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace saker::rpc {
namespace {

// A thread of its own has a pool of its own.
void on_new_thread(void (*body)()) {
  std::thread(body).join();
}

void make_and_free(size_t bytes, size_t count) {
  std::vector<void*> frames;
  for (size_t at = 0; at < count; ++at) frames.push_back(allocate_frame(bytes));
  for (void* frame : frames) free_frame(frame, bytes);
}

TEST(FramePool, GivesAFrameOfTheSameSizeAgain) {
  on_new_thread([] {
    void* frame = allocate_frame(500);
    free_frame(frame, 500);
    EXPECT_EQ(kept_frame_bytes(), 512u);
    EXPECT_EQ(allocate_frame(400), frame) << "the same step of 128";
    EXPECT_EQ(kept_frame_bytes(), 0u);
    free_frame(frame, 400);
  });
}

TEST(FramePool, LargeFramesAreNotKept) {
  on_new_thread([] {
    make_and_free(4097, 3);
    EXPECT_EQ(kept_frame_bytes(), 0u);
  });
}

// However many calls a peer has had open at a time.
TEST(FramePool, KeepsNoMoreThanItsLimit) {
  on_new_thread([] {
    for (const size_t bytes : {4096, 2048, 128}) {
      make_and_free(bytes, 2 * kMostKeptFrameBytes / bytes);
      EXPECT_LE(kept_frame_bytes(), kMostKeptFrameBytes);
      EXPECT_GE(kept_frame_bytes(), kMostKeptFrameBytes - 4096);
    }
  });
}

TEST(FramePool, WhatWasUsedOnceDoesNotKeepOutWhatIsUsedNow) {
  on_new_thread([] {
    make_and_free(4096, kMostKeptFrameBytes / 4096);
    void* frame = allocate_frame(128);
    free_frame(frame, 128);
    EXPECT_EQ(allocate_frame(128), frame);
    free_frame(frame, 128);
  });
}

}  // namespace
}  // namespace saker::rpc
