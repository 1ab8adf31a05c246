#include "saker/rpc/memory_guard.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace saker::rpc {
namespace {

constexpr uint64_t kMax = 1600;  // a sixteenth is 100

using enum MemoryState;

// The states that these figures lead through, one after the other.
std::vector<MemoryState> states(const std::vector<uint64_t>& used) {
  MemoryGuard guard(kMax);
  std::vector<MemoryState> all;
  for (const uint64_t bytes : used) {
    const MemoryState before = guard.state();
    const bool changed = guard.update(bytes);
    EXPECT_EQ(changed, guard.state() != before);
    all.push_back(guard.state());
  }
  return all;
}

using States = std::vector<MemoryState>;

TEST(MemoryGuard, EachStateBeginsAtItsEdge) {
  EXPECT_EQ(states({0, 1399, 1400, 1499, 1500, 1599, 1600}),
            (States{kOk, kOk, kNoConnections, kNoConnections, kNoCalls, kNoCalls, kShedding}));
}

TEST(MemoryGuard, EachStateEndsASixteenthBelow) {
  EXPECT_EQ(states({1400, 1300, 1299}), (States{kNoConnections, kNoConnections, kOk}));
  EXPECT_EQ(states({1500, 1400, 1399, 1300, 1299}),
            (States{kNoCalls, kNoCalls, kNoConnections, kNoConnections, kOk}));
}

TEST(MemoryGuard, SheddingGoesOnUntilAllIsWell) {
  EXPECT_EQ(states({1600, 1500, 1300, 1299}), (States{kShedding, kShedding, kShedding, kOk}));
}

TEST(MemoryGuard, WhatWasLeftBeginsAtItsEdgeAgain) {
  EXPECT_EQ(states({1500, 1399, 1499, 1500}),
            (States{kNoCalls, kNoConnections, kNoConnections, kNoCalls}));
  EXPECT_EQ(states({1400, 1299, 1399, 1400}), (States{kNoConnections, kOk, kOk, kNoConnections}));
}

TEST(MemoryGuard, ALeapEntersAndLeavesAtOnce) {
  EXPECT_EQ(states({UINT64_MAX, 0, 1500, 0}), (States{kShedding, kOk, kNoCalls, kOk}));
}

TEST(MemoryGuard, WhatStatesForbid) {
  MemoryGuard guard(kMax);
  const auto forbids = [&](uint64_t used) {
    guard.update(used);
    return std::pair(guard.refuses_connections(), guard.refuses_calls());
  };
  EXPECT_EQ(forbids(1399), std::pair(false, false));
  EXPECT_EQ(forbids(1400), std::pair(true, false));
  EXPECT_EQ(forbids(1500), std::pair(true, true));
  EXPECT_EQ(forbids(1600), std::pair(true, true));
}

TEST(MemoryGuard, TheExcessIsWhatBringsItBack) {
  MemoryGuard guard(kMax);
  for (const uint64_t used : {uint64_t{1300}, uint64_t{1600}, uint64_t{5000}}) {
    guard.update(1600);
    guard.update(used);
    guard.update(used - guard.excess_bytes());
    EXPECT_EQ(guard.state(), kOk) << used;
    EXPECT_EQ(guard.excess_bytes(), 0u);
  }
}

TEST(MemoryGuard, SaysHowMuch) {
  MemoryGuard guard(256 << 20);
  guard.update((240 << 20) + 1);
  EXPECT_EQ(guard.usage(), "241 of 256 MiB");
}

TEST(MemoryGuard, WithoutAMaximumAllIsWell) {
  EXPECT_EQ(MemoryGuard::none().state(), kOk);
}

}  // namespace
}  // namespace saker::rpc
