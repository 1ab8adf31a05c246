// ControlPipe: how the runner talks to a client program: messages of interop.proto on stdin and
// stdout, each behind its length as four bytes, little-endian. Shared by Saker's and gRPC C++'s
// client; knows neither. receive() belongs to one thread, send() to any.
#pragma once

#include <mutex>

#include "interop.pb.h"

namespace saker::interop {

class ControlPipe {
 public:
  // False: the runner has closed its end.
  bool receive(v1::Command& command);
  void send(const v1::Outcome& outcome);

 private:
  std::mutex mutex_;
};

}  // namespace saker::interop
