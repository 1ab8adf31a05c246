// CallRun: one call of any kind for `saker call`: requests are sent as the input comes, replies are
// printed as they arrive. Every kind is a stream here: a method that takes or gives one message
// differs only in how many there may be.
#pragma once

#include <string>

#include "call_input.h"
#include "client_session.h"
#include "message_coder.h"

namespace saker::app {

struct CallPlan {
  const pb::MethodDescriptor& method;
  const DataSource& source;
  CoderOptions format;
  bool verbose = false;
};

class CallRun {
 public:
  CallRun(ClientSession& session, Schema& schema, const CallPlan& plan);

  // To the end; prints everything; the exit code.
  int run();

 private:
  class Call;

  Result<void> read_single_request();
  void send_waiting(Call& call);
  void print_waiting(Call& call);
  void print_reply(const std::string& bytes);
  int report(const Call& call);

  ClientSession& session_;
  Schema& schema_;
  const CallPlan& plan_;
  MessageCoder coder_;
  CallInput input_;
  std::string input_error_;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  bool head_shown_ = false;
  bool garbled_ = false;  // a reply could not be shown as what it should be
};

}  // namespace saker::app
