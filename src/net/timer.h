// Timer and TimerWheel: deadlines in O(1). A hashed hierarchical wheel of intrusive timers; 1 ms
// ticks, four levels of 256 slots, so up to 49 days ahead; later deadlines wait in a list of their
// own and are placed again. Never early, at most one tick late. Pure: time is an argument.
//
// A timer due at tick e sits on the level of the highest byte in which e differs from the current
// tick, in the slot that this byte of e names. So a slot's timers all share their higher bytes with
// the current tick, no slot ever wraps, and a timer's place can be computed again at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "saker/base/intrusive_list.h"
#include "saker/base/time.h"

namespace saker::net {

struct TimerHookTag;

class TimerWheel;

// The wheel's part of a timer.
class TimerHook : public ListHook<TimerHookTag> {
 public:
  bool armed() const { return linked(); }
  Time deadline() const { return deadline_; }

 protected:
  TimerHook() = default;
  ~TimerHook() = default;
  TimerWheel* wheel() const { return wheel_; }

 private:
  friend class TimerWheel;
  Time deadline_ = kNever;
  TimerWheel* wheel_ = nullptr;
};

// Embedded in its owner; disarms itself when destroyed.
// on_timer() may arm or cancel any timer, and destroy its owner.
class Timer : public TimerHook {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual void on_timer(Time now) = 0;

 protected:
  ~Timer();
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerWheel(Time now);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Re-arms an armed timer. A deadline that has passed fires with the next tick, never within the
  // advance() that runs.
  void arm(Timer& timer, Time deadline);
  void cancel(Timer& timer);

  // When advance() has something to do: the next due tick, or the earlier moment at which far
  // timers move a level down. kNever if nothing is armed.
  Time next_deadline() const;
  // Fires what is due at `now`: tick by tick, within a tick in the order of arming.
  void advance(Time now);

  size_t armed_count() const { return armed_; }

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr uint64_t kSlots = 1 << kSlotBits;
  using List = IntrusiveList<Timer, TimerHookTag>;
  struct Level {
    std::array<uint64_t, kSlots / 64> occupied{};  // one bit a slot that may hold timers
    std::array<List, kSlots> slots;
  };
  struct Place {
    int level;  // kLevels: the far list
    uint64_t slot;
  };

  Place place_of(uint64_t tick) const;
  void insert(Timer& timer, uint64_t tick);
  uint64_t next_tick() const;
  void cascade();
  void replace_all(List& timers);
  void fire(Time now);

  std::array<Level, kLevels> levels_;
  List far_;
  List late_;         // armed by advance()'s own timers, for a tick that it has come to already
  uint64_t current_;  // every tick up to here is done
  uint64_t advancing_to_ = 0;  // the last tick of the advance() that runs
  size_t armed_ = 0;
};

}  // namespace saker::net
