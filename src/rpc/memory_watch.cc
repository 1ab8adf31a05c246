#include "saker/rpc/memory_watch.h"

#include <pthread.h>

#include <algorithm>

namespace saker::rpc {
namespace {

constexpr uint32_t kReportsAtOnce = 10;
constexpr uint32_t kReportsPerSecond = 1;
// What loops together may fill at most: touching a page for the first time takes longer.
constexpr uint64_t kGrowthBytesPerMs = 2 << 20;
// A look at the heap may be long where it is in many pieces, and loops wait meanwhile.
constexpr int kRestPerLook = 10;

const char* text_of(MemoryState state) {
  switch (state) {
    case MemoryState::kOk:
      return "all is well again";
    case MemoryState::kNoConnections:
      return "new connections are refused";
    case MemoryState::kNoCalls:
      return "new connections and calls are refused";
    case MemoryState::kShedding:
      return "new connections and calls are refused, and connections that hold most are closed";
  }
  return "";
}

}  // namespace

MemoryWatch::MemoryWatch(MemoryGuard& guard, ProcessMemory& memory, MemoryWatchEvents& events)
    : guard_(guard),
      memory_(memory),
      events_(events),
      reports_(kReportsAtOnce, kReportsPerSecond, Time{}) {}

void MemoryWatch::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  (void)pthread_setname_np(thread_.native_handle(), "saker-memory");  // for top(1) only
}

void MemoryWatch::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void MemoryWatch::run(const std::stop_token& stop) {
  const auto now = [] { return Time(std::chrono::steady_clock::now().time_since_epoch()); };
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Time began = now();
    const Duration wanted = check(began);
    const Duration rest = std::min(kRestPerLook * (now() - began), kLongestWait);
    awake_.wait_for(lock, stop, std::max(wanted, rest), [] { return false; });
  }
}

Duration MemoryWatch::check(Time now) {
  const uint64_t used = measure(now);
  if (guard_.update(used)) note_state(now);
  shed(now);
  return wait_for(used);
}

uint64_t MemoryWatch::measure(Time now) {
  uint64_t resident = memory_.resident_bytes();
  if (guard_.state_after(resident) == MemoryState::kOk) return resident;
  if (now - gave_back_at_ >= kGiveBackInterval) {
    gave_back_at_ = now;
    events_.make_room(0);
    memory_.give_back();
    resident = memory_.resident_bytes();
    if (guard_.state_after(resident) == MemoryState::kOk) return resident;
  }
  return std::min(resident, memory_.in_use_bytes());
}

void MemoryWatch::note_state(Time now) {
  if (!guard_.refuses_calls()) refusing_since_ = kNever;
  if (guard_.refuses_calls() && refusing_since_ == kNever) refusing_since_ = now;
  if (!reports_.try_take(now)) return;
  events_.on_memory_state("memory: " + guard_.usage() + " in use: " + text_of(guard_.state()));
}

// At the maximum, and also where calls have been refused for long: whoever holds so much for so long
// would keep everybody else away.
void MemoryWatch::shed(Time now) {
  if (guard_.state() == MemoryState::kNoCalls && now - refusing_since_ >= kPatience) {
    guard_.start_shedding();
    note_state(now);
  }
  if (guard_.state() == MemoryState::kShedding) events_.make_room(guard_.excess_bytes());
}

// The fuller the process, the shorter: no longer than it takes to fill the rest.
Duration MemoryWatch::wait_for(uint64_t used_bytes) const {
  const uint64_t room = guard_.max_bytes() - std::min(guard_.max_bytes(), used_bytes);
  const uint64_t ms = std::min<uint64_t>(room / kGrowthBytesPerMs, 1000);
  return std::clamp<Duration>(std::chrono::milliseconds(ms), kShortestWait, kLongestWait);
}

}  // namespace saker::rpc
