// PostQueue: tasks from any thread to one loop. Posters push onto a lock-free stack, the loop takes
// the whole stack at once and turns it round, so that tasks of one poster run in the order posted.
// Taking everything means that there is no ABA.
#pragma once

#include <atomic>

#include "saker/net/loop.h"

namespace saker::net {

class PostQueue {
 public:
  // Any thread. Sequentially consistent, because the sleeping flag of the loop is checked right
  // after; see EpollLoop::post().
  void push(PostedTask& task) {
    PostedTask* top = top_.load(std::memory_order_relaxed);
    do {
      task.next_posted.store(top, std::memory_order_relaxed);
    } while (!top_.compare_exchange_weak(top, &task, std::memory_order_seq_cst,
                                         std::memory_order_relaxed));
  }

  // The loop's thread.
  bool empty() const { return top_.load(std::memory_order_seq_cst) == nullptr; }

  // Runs what has been posted so far; what is posted meanwhile waits for the next call.
  // A task may die in its run().
  void run_all() {
    if (empty()) return;
    PostedTask* next = reversed(top_.exchange(nullptr, std::memory_order_acquire));
    while (next != nullptr) {
      PostedTask* task = next;
      next = task->next_posted.load(std::memory_order_relaxed);
      task->run();
    }
  }

 private:
  static PostedTask* reversed(PostedTask* top) {
    PostedTask* first = nullptr;
    while (top != nullptr) {
      PostedTask* below = top->next_posted.load(std::memory_order_relaxed);
      top->next_posted.store(first, std::memory_order_relaxed);
      first = top;
      top = below;
    }
    return first;
  }

  std::atomic<PostedTask*> top_{nullptr};
};

}  // namespace saker::net
