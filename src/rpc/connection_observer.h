// ConnectionObserver: is told of a channel's connections; for those who measure how they are made.
#pragma once

#include "saker/base/time.h"

namespace saker::rpc {

class ConnectionObserver {
 public:
  // A connection takes calls, so long after it was begun: transport, TLS, first SETTINGS. Inside
  // an event: may note it, and do nothing else to the channel.
  virtual void on_connected(Duration took) = 0;

 protected:
  ~ConnectionObserver() = default;
};

}  // namespace saker::rpc
