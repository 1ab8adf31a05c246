// A client and a server against each other under random chunking, delay, windows and resets. See
// pair_testing.h for the invariants; a failure names the seed that replays it.
#include <gtest/gtest.h>

#include "saker/h2/pair_testing.h"

namespace saker::h2 {
namespace {

TEST(Pair, ThousandsOfCallsKeepEveryInvariant) {
  size_t completed = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.run(40);
    completed += world.completed();
    if (HasFailure()) break;
  }
  EXPECT_GT(completed, 5000u);
}

}  // namespace
}  // namespace saker::h2
