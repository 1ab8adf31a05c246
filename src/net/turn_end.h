// The end of a turn, the same for every back end: the tasks that the turn asked for run, then those
// that these asked for (a flush that asks for the on_sent of its write, say). What these ask for in
// turn waits for the next turn, so a task that keeps asking for itself runs twice
// a turn and cannot hold the loop.
#pragma once

#include "saker/net/loop.h"
#include "saker/net/tuning.h"

namespace saker::net {

inline void run_turn_end(IntrusiveList<TurnTask, TurnTaskTag>& tasks) {
  for (int round = 0; round < tuning::kTurnEndRounds && !tasks.empty(); ++round) {
    IntrusiveList<TurnTask, TurnTaskTag> running;
    running.splice_back(tasks);
    while (TurnTask* task = running.try_pop_front()) task->run_at_turn_end();
  }
}

}  // namespace saker::net
