// DrivenCall: one call of the Saker client as the runner described it, from start to the Outcome.
// Whether its messages go through protobuf or as raw bytes depends on the method: Echo's are typed,
// all others raw. Belongs to the channel's loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "interop.pb.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/client_method.h"

namespace saker::interop {

class DrivenCall {
 public:
  using Done = std::function<void(DrivenCall&)>;  // may destroy the call

  static std::unique_ptr<DrivenCall> make(const v1::Call& spec, Done done);
  virtual ~DrivenCall() = default;

  void start(rpc::Channel& channel);
  virtual void cancel() = 0;
  uint32_t id() const { return spec_.id(); }
  const v1::Outcome& outcome() const { return outcome_; }

 protected:
  DrivenCall(const v1::Call& spec, Done done);

  virtual void start_call(rpc::Channel& channel, const rpc::ClientMethod& method,
                          const rpc::CallOptions& options) = 0;
  // Null: there are no more.
  const std::string* next_request();
  uint64_t requests_left() const { return requests_ - sent_; }
  void add_reply(std::string bytes, bool was_compressed);
  void finish(const rpc::ClientCall& call);

  const v1::Call spec_;
  v1::Outcome outcome_;
  uint64_t sent_ = 0;

 private:
  Done done_;
  const rpc::ClientMethod method_;
  grpc::Metadata metadata_;
  const uint64_t requests_;
  net::Loop* loop_ = nullptr;
  Time started_at_{};
};

}  // namespace saker::interop
