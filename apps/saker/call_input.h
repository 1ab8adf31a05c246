// CallInput: the request messages of a call, encoded, in the order of the input and as it arrives.
// Belongs to the thread of the session's loop; not to be used from inside its events.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "call_options.h"
#include "input_reader.h"
#include "message_coder.h"

namespace saker::app {

class CallInput {
 public:
  // All must outlive it.
  CallInput(const DataSource& source, const pb::Descriptor& type, MessageCoder& coder,
            MessageSplitter splitter);

  // What is made of each message before it is encoded; its error is the input's.
  using Preparation = std::function<Result<void>(InputMessage&)>;
  void set_preparation(Preparation prepare) { prepare_ = std::move(prepare); }

  // Reads text at once, starts to read a file.
  Result<void> open(net::Loop& loop);
  // Takes what has arrived. The error says which message is wrong, now and from then on; those
  // before it still wait.
  Result<void> advance();
  // All of it, now. Nothing where the session was interrupted.
  Result<void> gather(ClientSession& session);

  // Messages that wait to be sent.
  std::deque<std::string>& messages() { return messages_; }
  // No more will come.
  bool at_end() const { return at_end_; }

 private:
  Result<void> take_input();
  Result<void> encode_all();

  const DataSource& source_;
  const pb::Descriptor& type_;
  MessageCoder& coder_;
  MessageSplitter splitter_;
  Preparation prepare_;
  std::unique_ptr<InputReader> reader_;
  std::deque<std::string> messages_;
  std::string bytes_;
  bool at_end_ = false;
  Result<void> result_;
};

}  // namespace saker::app
