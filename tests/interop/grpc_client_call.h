// DrivenCall: one call of the gRPC C++ client as the runner described it, on the generic callback
// API: messages are bytes. Owns itself until its outcome has been told. Reactions come on gRPC's
// threads, one at a time for a call, but for cancel().
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "interop.pb.h"

namespace interop {

namespace v1 = saker::interop::v1;

class DrivenCall : public std::enable_shared_from_this<DrivenCall> {
 public:
  using Done = std::function<void(const v1::Outcome&)>;

  static std::shared_ptr<DrivenCall> make(const v1::Call& spec, Done done);
  virtual ~DrivenCall() = default;

  virtual void start(grpc::GenericStub& stub) = 0;
  void cancel() { context_.TryCancel(); }

 protected:
  DrivenCall(const v1::Call& spec, Done done);

  bool has_request() const { return sent_ < requests_; }
  grpc::ByteBuffer next_request();
  void add_reply(const grpc::ByteBuffer& buffer);
  void finish(const grpc::Status& status);

  const v1::Call spec_;
  v1::Outcome outcome_;
  grpc::ClientContext context_;
  uint64_t sent_ = 0;

 private:
  Done done_;
  const uint64_t requests_;
  const std::chrono::steady_clock::time_point started_at_;
};

}  // namespace interop
