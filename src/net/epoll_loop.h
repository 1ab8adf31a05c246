// EpollLoop: the Loop on Linux's epoll, level-triggered. It knows sources (descriptors with
// somebody behind them) and time; streams, listeners and connection attempts are sources and live
// in files of their own, and must be gone before their loop. System calls of a busy turn: one
// epoll_wait, and per ready connection one recv and one send. An idle loop makes none.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>

#include "saker/base/bytes.h"
#include "saker/net/descriptor.h"
#include "saker/net/loop.h"
#include "saker/net/post_queue.h"
#include "saker/net/random.h"
#include "saker/net/spin_budget.h"
#include "saker/net/tuning.h"

namespace saker::net {

// Somebody behind a descriptor. May be destroyed in any event, its own or another's,
// once it has called forget().
class EpollSource {
 public:
  virtual void on_ready(uint32_t events) = 0;

 protected:
  ~EpollSource() = default;
};

class EpollLoop final : public Loop {
 public:
  static Result<std::unique_ptr<EpollLoop>> make(const EpollLoopOptions& options);

  Time read_clock() const override;
  int64_t wall_ns(Time time) override;
  uint64_t random() override { return random_.next(); }
  void arm(Timer& timer, Time deadline) override { wheel_.arm(timer, deadline); }
  void cancel(Timer& timer) override { wheel_.cancel(timer); }
  void post(PostedTask& task) override;
  Result<std::unique_ptr<Listener>> listen(const Address& address, const ListenOptions& options,
                                           ListenerEvents& events) override;
  std::unique_ptr<ConnectAttempt> connect(const Address& address, const ConnectOptions& options,
                                          ConnectEvents& events) override;
  std::unique_ptr<ResolveAttempt> resolve(const Address& name, Duration timeout,
                                          ResolveEvents& events) override;
  Result<std::unique_ptr<Stream>> adopt(Accepted accepted) override;
  void discard(Accepted accepted) override;
  void run() override;
  void run_once(Time until) override;
  void stop() override;

  // For sources. A source that is watched may change what it waits for and must forget() before it
  // closes its descriptor.
  Result<void> watch(EpollSource& source, int fd, uint32_t events);
  void change(EpollSource& source, int fd, uint32_t events);
  // Events of the current batch that have not been delivered yet are dropped too.
  void forget(EpollSource& source, int fd);
  // Within on_ready(), after calling out: false if the source may have been destroyed.
  bool is_still_dispatching(const EpollSource& source) const { return dispatching_ == &source; }

  // The turn's time is that of the last recv.
  void sample_clock() { now_ = read_clock(); }
  // Where every stream of this loop receives; whoever fills it is done
  // with it before the event returns.
  MutableBytes receive_buffer() { return {receive_buffer_.get(), receive_buffer_bytes_}; }
  // Kept for the moment when accept() runs out of descriptors.
  Descriptor& spare_descriptor() { return spare_; }
  void reopen_spare_descriptor();
  void count_connection(int change) {
    connection_count_.fetch_add(static_cast<size_t>(change), std::memory_order_relaxed);
  }

 private:
  EpollLoop(const EpollLoopOptions& options, uint64_t seed);

  Result<void> open();
  bool has_work() const;
  void turn(Time until);
  int wait(Time until);
  int spin(Time until, Duration budget);
  int sleep(Time until);
  int poll_events(Duration timeout);  // kNever's worth and more: without limit
  void set_alarm(Time at);
  void dispatch(int count);
  void wake();

  Descriptor epoll_;
  Descriptor wake_;
  Descriptor alarm_;  // a timerfd for deadlines that are far away
  Descriptor spare_;
  TimerWheel wheel_;
  std::array<epoll_event, tuning::kEventsPerWait> batch_;
  int batch_next_ = 0;
  int batch_count_ = 0;
  EpollSource* dispatching_ = nullptr;
  std::unique_ptr<uint8_t[]> receive_buffer_;
  size_t receive_buffer_bytes_;
  SpinBudget spin_budget_;
  bool has_pwait2_ = true;
  Time alarm_at_ = kNever;         // when alarm_ expires
  Time wall_sampled_at_ = kNever;  // kNever: not yet
  int64_t wall_offset_ns_ = 0;
  Random random_;

  // Written by other threads.
  alignas(64) PostQueue posts_;
  std::atomic<bool> is_sleeping_{false};
  std::atomic<bool> stop_requested_{false};
};

}  // namespace saker::net
