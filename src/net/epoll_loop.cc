#include "saker/net/epoll_loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "saker/net/ares_lookup.h"
#include "saker/net/epoll_connect.h"
#include "saker/net/epoll_listener.h"
#include "saker/net/epoll_stream.h"

namespace saker::net {
namespace {

constexpr Duration kUnlimited = Duration::max();

int64_t clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Time monotonic() {
  return Time(Duration(clock_ns(CLOCK_MONOTONIC)));
}

// Early in boot getrandom() may have nothing yet; then the clock has to do,
// which is enough for jitter.
uint64_t random_seed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
    seed = static_cast<uint64_t>(clock_ns(CLOCK_MONOTONIC) ^ clock_ns(CLOCK_REALTIME));
  }
  return seed;
}

// Rounded up, so that the fallback does not spin through the last millisecond before a deadline.
int ceil_ms(Duration timeout) {
  if (timeout == kUnlimited) return -1;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return static_cast<int>(std::min<int64_t>(ms, 60'000));
}

}  // namespace

EpollLoop::EpollLoop(const EpollLoopOptions& options, uint64_t seed)
    : wheel_(monotonic()),
      receive_buffer_bytes_(std::max<size_t>(options.receive_buffer_bytes, 1)),
      spin_budget_(options.busy_poll),
      random_(seed) {
  receive_buffer_ = std::make_unique_for_overwrite<uint8_t[]>(receive_buffer_bytes_);
  now_ = monotonic();
}

Result<std::unique_ptr<EpollLoop>> EpollLoop::make(const EpollLoopOptions& options) {
  std::unique_ptr<EpollLoop> loop(new EpollLoop(options, random_seed()));
  if (auto opened = loop->open(); !opened) return std::unexpected(opened.error());
  return loop;
}

// Both wakers are edge-triggered: every write to the eventfd and every expiry of the timer is one
// event, and nobody ever has to read them.
Result<void> EpollLoop::open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail_errno("epoll_create1", errno);
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return fail_errno("eventfd", errno);
  alarm_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!alarm_) return fail_errno("timerfd_create", errno);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  for (const int waker : {wake_.get(), alarm_.get()}) {
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, waker, &event) != 0) {
      return fail_errno("epoll_ctl", errno);
    }
  }
  reopen_spare_descriptor();
  return {};
}

void EpollLoop::reopen_spare_descriptor() {
  if (!spare_) spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Time EpollLoop::read_clock() const {
  return monotonic();
}

int64_t EpollLoop::wall_ns(Time time) {
  if (wall_sampled_at_ == kNever || now_ - wall_sampled_at_ >= tuning::kWallOffsetAge) {
    wall_sampled_at_ = now_;
    wall_offset_ns_ = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
  }
  return time.time_since_epoch().count() + wall_offset_ns_;
}

Result<void> EpollLoop::watch(EpollSource& source, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return fail_errno("epoll_ctl", errno);
  return {};
}

// Changing what is watched already needs no memory and cannot fail.
void EpollLoop::change(EpollSource& source, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  [[maybe_unused]] const int result = epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  SAKER_DCHECK(result == 0);
}

// close() alone would not do: a descriptor that another process inherited stays in the epoll set
// until all copies are closed (epoll(7), questions and answers 6).
void EpollLoop::forget(EpollSource& source, int fd) {
  epoll_event unused{};
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);  // ENOENT if it was never watched
  for (int i = batch_next_; i < batch_count_; ++i) {
    if (batch_[i].data.ptr == &source) batch_[i].data.ptr = nullptr;
  }
  if (dispatching_ == &source) dispatching_ = nullptr;
}

// The flag is set before the queue is looked at, the queue is filled before the flag is looked at,
// and both orders are sequentially consistent: either the loop sees the task
// or the poster sees the flag.
void EpollLoop::post(PostedTask& task) {
  posts_.push(task);
  wake();
}

void EpollLoop::stop() {
  stop_requested_.store(true, std::memory_order_seq_cst);
  wake();
}

void EpollLoop::wake() {
  if (!is_sleeping_.load(std::memory_order_seq_cst)) return;
  if (!is_sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const uint64_t one = 1;
  // Fails only if 2^64 - 1 wake-ups have not been read, and then the event has happened anyway.
  (void)!::write(wake_.get(), &one, sizeof one);
}

// A stop() keeps the loop awake until run() has seen it.
bool EpollLoop::has_work() const {
  return has_turn_tasks() || !posts_.empty() || stop_requested_.load(std::memory_order_seq_cst);
}

int EpollLoop::wait(Time until) {
  until = std::min(until, wheel_.next_deadline());
  if (has_work()) return poll_events(Duration::zero());
  if (const Duration budget = spin_budget_.next(now_); budget > Duration::zero()) {
    const int count = spin(until, budget);
    if (count > 0 || has_work()) return count;
  }
  if (!spin_budget_.is_wanted()) return sleep(until);
  const Time begin = read_clock();
  const int count = sleep(until);
  if (count > 0) spin_budget_.on_woken(read_clock() - begin);
  return count;
}

int EpollLoop::spin(Time until, Duration budget) {
  const Time end = std::min(until, time_after(read_clock(), budget));
  int count = 0;
  do {
    count = poll_events(Duration::zero());
  } while (count == 0 && !has_work() && read_clock() < end);
  spin_budget_.on_spin(count > 0 || has_work());
  if (spin_budget_.wants_switches()) {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    spin_budget_.on_switches(now_, usage.ru_nivcsw);
  }
  return count;
}

// A sleep with a timeout sets and cancels a timer of the kernel, which in a virtual machine costs
// microseconds each time. So a deadline that is not near goes to the alarm, which is set once and
// left alone while later ones come and go: at worst it wakes the loop for nothing.
int EpollLoop::sleep(Time until) {
  Duration timeout = kUnlimited;
  if (until != kNever) {
    const Time now = read_clock();
    timeout = std::max(until - now, Duration::zero());
    if (alarm_at_ <= now) alarm_at_ = kNever;
    if (timeout > tuning::kNearDeadline) {
      if (until < alarm_at_) set_alarm(until);
      timeout = kUnlimited;
    }
  }
  if (timeout == Duration::zero()) return poll_events(timeout);
  is_sleeping_.store(true, std::memory_order_seq_cst);
  if (has_work()) timeout = Duration::zero();
  const int count = poll_events(timeout);
  is_sleeping_.store(false, std::memory_order_relaxed);
  return count;
}

void EpollLoop::set_alarm(Time at) {
  const int64_t ns = std::max<int64_t>(at.time_since_epoch().count(), 1);  // 0 would disarm it
  itimerspec spec{};
  spec.it_value.tv_sec = ns / 1'000'000'000;
  spec.it_value.tv_nsec = ns % 1'000'000'000;
  [[maybe_unused]] const int result =
      timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  SAKER_DCHECK(result == 0);
  alarm_at_ = at;
}

// epoll_pwait2 (Linux 5.11) takes nanoseconds; sandboxes that do not know
// it answer ENOSYS or EPERM.
int EpollLoop::poll_events(Duration timeout) {
  const int size = static_cast<int>(batch_.size());
  int count = 0;
  const bool needs_ns = timeout > Duration::zero() && timeout != kUnlimited;
  if (needs_ns && has_pwait2_) {
    timespec time{};
    time.tv_sec = timeout.count() / 1'000'000'000;
    time.tv_nsec = timeout.count() % 1'000'000'000;
    count = epoll_pwait2(epoll_.get(), batch_.data(), size, &time, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return std::max(count, 0);
    has_pwait2_ = false;
  }
  count = epoll_wait(epoll_.get(), batch_.data(), size, ceil_ms(timeout));
  return std::max(count, 0);  // EINTR: a turn without events
}

void EpollLoop::dispatch(int count) {
  batch_count_ = count;
  for (batch_next_ = 0; batch_next_ < batch_count_;) {
    const epoll_event& event = batch_[batch_next_++];
    dispatching_ = static_cast<EpollSource*>(event.data.ptr);
    if (dispatching_ != nullptr) dispatching_->on_ready(event.events);
  }
  dispatching_ = nullptr;
  batch_next_ = batch_count_ = 0;
}

void EpollLoop::turn(Time until) {
  ++turn_number_;
  const int count = wait(until);
  sample_clock();
  dispatch(count);
  posts_.run_all();
  wheel_.advance(now_);
  run_turn_end();
}

void EpollLoop::run_once(Time until) {
  turn(until);
}

// A stop() that came before run() counts: otherwise a thread that is told
// to stop while it starts would run for ever.
void EpollLoop::run() {
  while (!stop_requested_.load(std::memory_order_seq_cst)) turn(kNever);
  stop_requested_.store(false, std::memory_order_seq_cst);
}

Result<std::unique_ptr<Listener>> EpollLoop::listen(const Address& address,
                                                    const ListenOptions& options,
                                                    ListenerEvents& events) {
  return EpollListener::make(*this, address, options, events);
}

std::unique_ptr<ConnectAttempt> EpollLoop::connect(const Address& address,
                                                   const ConnectOptions& options,
                                                   ConnectEvents& events) {
  return std::make_unique<EpollConnect>(*this, address, options, events);
}

std::unique_ptr<ResolveAttempt> EpollLoop::resolve(const Address& name, Duration timeout,
                                                   ResolveEvents& events) {
  return std::make_unique<AresLookup>(*this, name, timeout, events);
}

Result<std::unique_ptr<Stream>> EpollLoop::adopt(Accepted accepted) {
  if (!accepted.socket) return fail("adopt: no connection", EBADF);
  return std::make_unique<EpollStream>(*this, std::move(accepted.socket), std::move(accepted.peer));
}

void EpollLoop::discard(Accepted) {}  // its owner closes it

Result<std::unique_ptr<Loop>> make_epoll_loop(const EpollLoopOptions& options) {
  return EpollLoop::make(options);
}

}  // namespace saker::net
