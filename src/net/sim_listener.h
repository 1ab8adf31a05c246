// SimListener: the Listener of a memory://name address.
#pragma once

#include <deque>

#include "saker/net/sim_loop.h"

namespace saker::net {

class SimListener final : public Listener, private SimReady, private Timer {
 public:
  static Result<std::unique_ptr<Listener>> make(SimLoop& loop, const Address& address,
                                                const ListenOptions& options,
                                                ListenerEvents& events);
  SimListener(SimLoop& loop, const Address& address, size_t backlog, ListenerEvents& events);
  ~SimListener() override;

  const Address& address() const override { return address_; }
  void pause(bool paused) override;

  // For SimNetwork.
  SimLoop& loop() { return loop_; }
  bool has_room() const { return backlog_.size() < max_backlog_; }
  void add(uint64_t connection);

 private:
  void run_ready() override;
  void on_timer(Time) override { mark_ready_if_any(); }
  void mark_ready_if_any();

  SimLoop& loop_;
  Address address_;
  ListenerEvents& events_;
  size_t max_backlog_;
  std::deque<uint64_t> backlog_;
  bool is_paused_ = false;
};

}  // namespace saker::net
