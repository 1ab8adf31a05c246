#include "saker/net/timer.h"

#include <algorithm>
#include <bit>

#include "saker/base/check.h"

namespace saker::net {
namespace {

constexpr uint64_t kNoTick = ~uint64_t{0};

uint64_t tick_at_or_before(Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch().count(), 0)) /
         TimerWheel::kTick.count();
}

// The first tick at which a timer with this deadline is not early.
uint64_t tick_at_or_after(Time time) {
  const uint64_t tick = tick_at_or_before(time);
  const bool is_whole = time.time_since_epoch().count() <= 0 ||
                        time.time_since_epoch().count() % TimerWheel::kTick.count() == 0;
  return is_whole ? tick : tick + 1;
}

// The first set bit above `index`, or -1.
int next_bit(const std::array<uint64_t, 4>& bits, uint64_t index) {
  if (index == 255) return -1;
  uint64_t word = (index + 1) / 64;
  uint64_t masked = bits[word] & (~uint64_t{0} << ((index + 1) % 64));
  while (masked == 0) {
    if (++word == bits.size()) return -1;
    masked = bits[word];
  }
  return static_cast<int>(word * 64) + std::countr_zero(masked);
}

}  // namespace

Timer::~Timer() {
  if (wheel() != nullptr) wheel()->cancel(*this);
}

TimerWheel::TimerWheel(Time now) : current_(tick_at_or_before(now)) {}

TimerWheel::~TimerWheel() {
  auto disown = [](List& timers) {
    while (Timer* timer = timers.try_pop_front()) timer->wheel_ = nullptr;
  };
  for (Level& level : levels_) {
    for (List& slot : level.slots) disown(slot);
  }
  disown(far_);
  disown(late_);
}

TimerWheel::Place TimerWheel::place_of(uint64_t tick) const {
  const uint64_t difference = tick ^ current_;
  const int level = difference == 0 ? 0 : (63 - std::countl_zero(difference)) / kSlotBits;
  if (level >= kLevels) return {kLevels, 0};
  return {level, (tick >> (level * kSlotBits)) % kSlots};
}

void TimerWheel::insert(Timer& timer, uint64_t tick) {
  const Place place = place_of(tick);
  if (place.level == kLevels) return far_.push_back(timer);
  Level& level = levels_[place.level];
  level.slots[place.slot].push_back(timer);
  level.occupied[place.slot / 64] |= uint64_t{1} << (place.slot % 64);
}

void TimerWheel::arm(Timer& timer, Time deadline) {
  if (timer.wheel_ != nullptr) timer.wheel_->cancel(timer);
  timer.deadline_ = deadline;
  timer.wheel_ = this;
  ++armed_;
  const uint64_t tick = std::max(tick_at_or_after(deadline), current_ + 1);
  if (tick <= advancing_to_) return late_.push_back(timer);
  insert(timer, tick);
}

// A timer that is being fired right now is in fire()'s list instead of a slot, or in late_; then the slot looked
// at below is another one, and clearing the bit of an empty slot is right for any slot.
void TimerWheel::cancel(Timer& timer) {
  if (timer.wheel_ != this) return;
  timer.unlink();
  timer.wheel_ = nullptr;
  --armed_;
  const Place place = place_of(std::max(tick_at_or_after(timer.deadline_), current_ + 1));
  if (place.level == kLevels) return;
  Level& level = levels_[place.level];
  if (level.slots[place.slot].empty()) {
    level.occupied[place.slot / 64] &= ~(uint64_t{1} << (place.slot % 64));
  }
}

// Whatever is on a lower level comes before everything on a higher one.
uint64_t TimerWheel::next_tick() const {
  if (armed_ == 0) return kNoTick;
  for (int i = 0; i < kLevels; ++i) {
    const int shift = i * kSlotBits;
    const int slot = next_bit(levels_[i].occupied, (current_ >> shift) % kSlots);
    if (slot < 0) continue;
    const uint64_t block = current_ >> shift >> kSlotBits << kSlotBits;
    return (block | static_cast<uint64_t>(slot)) << shift;
  }
  if (far_.empty()) return kNoTick;
  constexpr int kAllBits = kLevels * kSlotBits;
  return ((current_ >> kAllBits) + 1) << kAllBits;
}

Time TimerWheel::next_deadline() const {
  const uint64_t tick = next_tick();
  if (tick > static_cast<uint64_t>(kNever.time_since_epoch() / kTick)) return kNever;
  return Time(static_cast<int64_t>(tick) * kTick);
}

void TimerWheel::replace_all(List& timers) {
  List moving;
  moving.splice_back(timers);
  while (Timer* timer = moving.try_pop_front()) {
    // A deadline that had passed when it was armed counts as this tick.
    insert(*timer, std::max(tick_at_or_after(timer->deadline_), current_));
  }
}

// Entering a slot of a higher level spreads its timers over the levels below; highest first, so
// that one pass is enough.
void TimerWheel::cascade() {
  if (current_ << (64 - kLevels * kSlotBits) == 0) replace_all(far_);
  for (int i = kLevels - 1; i > 0; --i) {
    const int shift = i * kSlotBits;
    if (current_ << (64 - shift) != 0) continue;
    const uint64_t slot = (current_ >> shift) % kSlots;
    Level& level = levels_[i];
    level.occupied[slot / 64] &= ~(uint64_t{1} << (slot % 64));
    replace_all(level.slots[slot]);
  }
}

void TimerWheel::fire(Time now) {
  const uint64_t slot = current_ % kSlots;
  List due;
  due.splice_back(levels_[0].slots[slot]);
  levels_[0].occupied[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  while (Timer* timer = due.try_pop_front()) {
    timer->wheel_ = nullptr;
    --armed_;
    timer->on_timer(now);
  }
}

void TimerWheel::advance(Time now) {
  const uint64_t target = tick_at_or_before(now);
  if (target <= current_) return;
  advancing_to_ = target;
  for (uint64_t tick = next_tick(); tick <= target; tick = next_tick()) {
    current_ = tick;
    cascade();
    fire(now);
  }
  current_ = target;
  advancing_to_ = 0;
  while (Timer* timer = late_.try_pop_front()) insert(*timer, current_ + 1);
}

}  // namespace saker::net
