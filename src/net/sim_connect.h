// SimConnect: a connection attempt to a memory://name address.
#pragma once

#include <optional>

#include "saker/net/sim_loop.h"

namespace saker::net {

class SimConnect final : public ConnectAttempt, private Timer, private SimReady {
 public:
  SimConnect(SimLoop& loop, const Address& address, const ConnectOptions& options,
             ConnectEvents& events);
  ~SimConnect() override;

  // For SimNetwork.
  SimLoop& loop() { return loop_; }
  const std::string& name() const { return address_.path; }
  void handle_answer(uint64_t connection);  // 0: refused

 private:
  void on_timer(Time now) override;
  void run_ready() override;
  void finish(int error);

  SimLoop& loop_;
  Address address_;
  ConnectEvents& events_;
  uint64_t id_;
  uint64_t connection_ = 0;
  int error_ = 0;
};

}  // namespace saker::net
