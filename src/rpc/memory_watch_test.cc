// What the watch does about figures: no thread, no clock, no real memory.
#include "saker/rpc/memory_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;

struct FakeMemory final : ProcessMemory {
  uint64_t resident_bytes() override { return resident; }
  uint64_t in_use_bytes() override {
    ++looks;
    return in_use;
  }
  void give_back() override {
    ++given_back;
    if (!is_locked) resident = in_use;
  }
  uint64_t resident = 0;
  uint64_t in_use = 0;
  bool is_locked = false;
  int looks = 0;  // at the heap
  int given_back = 0;
};

class Watch : public testing::Test, private MemoryWatchEvents {
 protected:
  MemoryState check(uint64_t resident_mib, uint64_t in_use_mib, Duration later = 50ms) {
    memory.resident = resident_mib * kMiB;
    memory.in_use = in_use_mib * kMiB;
    now += later;
    wait = watch.check(now);
    return guard.state();
  }
  MemoryState check(uint64_t mib) { return check(mib, mib); }

  MemoryGuard guard{256 * kMiB};
  FakeMemory memory;
  MemoryWatch watch{guard, memory, *this};
  Time now{};
  Duration wait{};
  std::vector<uint64_t> room;  // asked for, in MiB
  std::vector<std::string> said;

 private:
  void make_room(uint64_t bytes) override { room.push_back(bytes / kMiB); }
  void on_memory_state(const std::string& what) override { said.push_back(what); }
};

TEST_F(Watch, WhileThereIsRoomNothingButTheFigureIsLookedAt) {
  EXPECT_EQ(check(223), MemoryState::kOk);
  EXPECT_EQ(memory.looks + memory.given_back, 0);
  EXPECT_THAT(room, ElementsAre());
}

TEST_F(Watch, WhatIsFreeIsGivenBackBeforeAnythingIsRefused) {
  EXPECT_EQ(check(250, 100), MemoryState::kOk);
  EXPECT_EQ(memory.given_back, 1);
  EXPECT_THAT(room, ElementsAre(0)) << "pools are asked for theirs";
  EXPECT_THAT(said, ElementsAre());
}

TEST_F(Watch, GivesBackOnceASecond) {
  for (int i = 0; i < 100; ++i) check(230);  // of 50 ms
  EXPECT_EQ(memory.given_back, 5);
  EXPECT_THAT(room, ElementsAre(0, 0, 0, 0, 0));
}

TEST_F(Watch, LockedMemoryThatIsFreeDoesNotCount) {
  memory.is_locked = true;
  EXPECT_EQ(check(256, 100), MemoryState::kOk);
  EXPECT_EQ(check(256, 224), MemoryState::kNoConnections);
  EXPECT_EQ(check(256, 100), MemoryState::kOk) << "though it stays resident for ever";
}

TEST_F(Watch, SaysEachChange) {
  for (const uint64_t mib : {223, 224, 225, 240, 256, 200}) check(mib);
  EXPECT_THAT(said, ElementsAre("memory: 224 of 256 MiB in use: new connections are refused",
                                HasSubstr("new connections and calls are refused"),
                                HasSubstr("connections that hold most are closed"),
                                "memory: 200 of 256 MiB in use: all is well again"));
}

TEST_F(Watch, SaysNotTooMuch) {
  for (int i = 0; i < 100; ++i) check(i % 2 == 0 ? 256 : 100);  // of 50 ms
  EXPECT_GE(said.size(), 10u);
  EXPECT_LE(said.size(), 16u);
}

TEST_F(Watch, SaysTenThingsAtOnceThenOneASecond) {
  const auto change = [&](Duration later) {
    const uint64_t mib = guard.state() == MemoryState::kOk ? 256 : 100;
    check(mib, mib, later);
  };
  for (int i = 0; i < 10; ++i) change(1ms);
  EXPECT_EQ(said.size(), 10u);
  change(1ms);
  change(988ms);
  EXPECT_EQ(said.size(), 10u) << "999 ms";
  change(1ms);
  EXPECT_EQ(said.size(), 11u);
  change(1ms);
  EXPECT_EQ(said.size(), 11u);
}

TEST_F(Watch, AtTheMaximumConnectionsAreToMakeRoom) {
  check(255);
  room.clear();
  check(256);
  EXPECT_THAT(room, ElementsAre(48)) << "down to 13/16";
  check(240);
  EXPECT_THAT(room, ElementsAre(48, 32)) << "goes on until all is well";
  check(207);
  EXPECT_THAT(room, ElementsAre(48, 32));
}

TEST_F(Watch, WhoHoldsOnTooLongHasToGo) {
  check(240);
  check(240, 240, MemoryWatch::kPatience - 1ns);
  EXPECT_EQ(guard.state(), MemoryState::kNoCalls);
  check(240, 240, 1ns);
  EXPECT_EQ(guard.state(), MemoryState::kShedding);
  EXPECT_EQ(room.back(), 32u);
}

TEST_F(Watch, PatienceBeginsAnewWithEachTime) {
  check(240);
  check(223, 223, 3s);
  check(240, 240, 3s);
  check(240, 240, 3s);
  EXPECT_EQ(guard.state(), MemoryState::kNoCalls);
}

TEST_F(Watch, RefusingConnectionsMayGoOnForEver) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(check(239), MemoryState::kNoConnections);
}

TEST_F(Watch, LooksMoreOftenTheLessRoomThereIs) {
  check(100);
  EXPECT_EQ(wait, 50ms);
  check(216);
  EXPECT_EQ(wait, 20ms);
  check(255);
  EXPECT_EQ(wait, 5ms);
  check(300);
  EXPECT_EQ(wait, 5ms);
}

// The real one: what is allocated and touched counts, what is free does not.
TEST(OwnProcessMemory, TellsWhatIsInUse) {
  const auto memory = own_process_memory();
  const uint64_t before = memory->in_use_bytes();
  EXPECT_GT(before, kMiB);
  EXPECT_LE(before, memory->resident_bytes());
  std::vector<std::unique_ptr<char[]>> pieces;
  for (int i = 0; i < 64 * 64; ++i) {
    pieces.push_back(std::make_unique<char[]>(16 * 1024));
    std::memset(pieces.back().get(), 1, 16 * 1024);
  }
  EXPECT_GT(memory->resident_bytes(), before + 60 * kMiB);
  EXPECT_GT(memory->in_use_bytes(), before + 60 * kMiB);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const auto last = std::make_unique<char[]>(1000);  // keeps what is below it in the process
  pieces.clear();
  EXPECT_LT(memory->in_use_bytes(), before + 16 * kMiB);
  memory->give_back();
  EXPECT_LT(memory->resident_bytes(), before + 16 * kMiB);
#endif
}

}  // namespace
}  // namespace saker::rpc
