// ConnectionObserver: is told of a channel's connections; for those who measure how they are made.
#pragma once

#include <string>

#include "saker/base/time.h"

namespace saker::rpc {

class ConnectionObserver {
 public:
  // A connection takes calls, so long after it was begun: transport, TLS, first SETTINGS. Inside
  // an event: may note it, and do nothing else to the channel.
  virtual void on_connected(Duration took) = 0;
  // The service config asks for health checks, and this backend's server has no such service: the
  // connection, which is the one that this is told of, counts as healthy (gRFC A17).
  virtual void on_health_unimplemented(const std::string& backend) { (void)backend; }

 protected:
  ~ConnectionObserver() = default;
};

}  // namespace saker::rpc
