// MemoryWatch: keeps a MemoryGuard's state true to the process, on a thread of its own, because the loops
// may be what is busy. Looks at the resident memory, 20 times a second while there is much room, up to
// 200 times where there is little; only where that is near the maximum it asks the C library to give back
// what is free, and how much is in use. What the loops have to do about it is theirs: see
// MemoryWatchEvents. Time is an argument of check(), the memory an interface: neither a thread nor real
// memory is needed to test it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "saker/base/time.h"
#include "saker/h2/token_bucket.h"
#include "saker/rpc/memory_guard.h"
#include "saker/rpc/process_memory.h"

namespace saker::rpc {

// On the watch's thread.
class MemoryWatchEvents {
 public:
  // What pools keep unused is to be freed, soon; and of what connections hold, about so many bytes, by
  // closing those that hold most. What was asked for before may not be done yet: then nothing.
  virtual void make_room(uint64_t bytes) = 0;
  // One sentence about a change of state, not too many a second.
  virtual void on_memory_state(const std::string& what) = 0;

 protected:
  ~MemoryWatchEvents() = default;
};

class MemoryWatch {
 public:
  static constexpr Duration kLongestWait = std::chrono::milliseconds(50);
  static constexpr Duration kShortestWait = std::chrono::milliseconds(5);
  static constexpr Duration kGiveBackInterval = std::chrono::seconds(1);
  // Calls were refused so long, and what is there does not end by itself.
  static constexpr Duration kPatience = std::chrono::seconds(5);

  // All outlive the watch.
  MemoryWatch(MemoryGuard& guard, ProcessMemory& memory, MemoryWatchEvents& events);
  ~MemoryWatch() { stop(); }
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  void start();
  void stop();

  // One look; how long until the next. The watch's thread.
  Duration check(Time now);

 private:
  void run(const std::stop_token& stop);
  uint64_t measure(Time now);
  void note_state(Time now);
  void shed(Time now);
  Duration wait_for(uint64_t used_bytes) const;

  MemoryGuard& guard_;
  ProcessMemory& memory_;
  MemoryWatchEvents& events_;
  h2::TokenBucket reports_;
  Time gave_back_at_ = Time{} - kGiveBackInterval;
  Time refusing_since_ = kNever;  // calls
  std::mutex mutex_;              // of the sleep alone
  std::condition_variable_any awake_;
  std::jthread thread_;
};

}  // namespace saker::rpc
