// The tasks that the turn asked for run, then those that these asked for (a flush that asks for the
// on_sent of its write, say). What these ask for in turn waits for the next turn, so a task that keeps
// asking for itself runs twice a turn and cannot hold the loop.
#include "saker/net/loop.h"
#include "saker/net/tuning.h"

namespace saker::net {

void Loop::run_turn_end() {
  for (int round = 0; round < tuning::kTurnEndRounds && !turn_tasks_.empty(); ++round) {
    IntrusiveList<TurnTask, TurnTaskTag> running;
    running.splice_back(turn_tasks_);
    while (TurnTask* task = running.try_pop_front()) task->run_at_turn_end();
  }
  turn_tasks_.splice_back(next_turn_tasks_);
}

}  // namespace saker::net
