// run_task(loop, task): a coroutine from main(): starts it and drives the loop on the calling thread
// until it has ended. Not from inside the loop.
#pragma once

#include <optional>
#include <utility>

#include "saker/net/loop.h"
#include "saker/rpc/task.h"

namespace saker::rpc {

// Nothing: an exception left the task.
template <typename T>
std::optional<T> run_task(net::Loop& loop, Task<T> task) {
  bool done = false;
  task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
  while (!done) loop.run_once(kNever);
  if (task.failed()) return std::nullopt;
  return std::move(task.result());
}

}  // namespace saker::rpc
