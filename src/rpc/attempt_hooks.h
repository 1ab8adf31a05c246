// AttemptHooks: who is asked what becomes of an attempt's end. Only calls that a service config
// makes try more than once have any; all others end as their one stream does.
#pragma once

#include "saker/h2/connection.h"

namespace saker::rpc {

class ClientCall;
class ReplayBuffer;

class AttemptHooks {
 public:
  // Inside an event. True: the stream is another call's from now on, or nobody's.
  virtual bool on_response_head(ClientCall& attempt, const h2::HeadersEvent& event) = 0;
  // Inside an event, or while it waits for a connection; its status is set. True: that is not the
  // call's end.
  virtual bool on_attempt_ended(ClientCall& attempt) = 0;
  // Where requests are kept for another attempt; null: they need not be.
  virtual ReplayBuffer* replay() = 0;
  // Something was kept, or all of it sent again.
  virtual void on_kept() = 0;

 protected:
  ~AttemptHooks() = default;
};

}  // namespace saker::rpc
