// ReflectionClient: asks a server's grpc.reflection service, v1 and, where the server does not know
// that, v1alpha, whose messages are the same on the wire. One stream serves many questions; it is
// opened by the first one. Blocks in the session's loop; not to be called from inside its events.
#pragma once

#include <memory>

#include "client_session.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace saker::app {

using ReflectionRequest = ::grpc::reflection::v1::ServerReflectionRequest;
using ReflectionResponse = ::grpc::reflection::v1::ServerReflectionResponse;

class ReflectionClient {
 public:
  explicit ReflectionClient(ClientSession& session);
  ~ReflectionClient();

  // The server's answer, which may be an error_response.
  Result<ReflectionResponse> ask(const ReflectionRequest& request);
  // Ends the stream; the next question opens another.
  void close();

  // Why ask() failed; UNIMPLEMENTED: the server has no reflection.
  const grpc::Status& status() const { return status_; }

 private:
  class Stream;

  bool ask_once(const ReflectionRequest& request);
  const rpc::ClientMethod& method() const;
  Time answer_due() const;

  ClientSession& session_;
  std::unique_ptr<Stream> stream_;
  bool is_v1alpha_ = false;
  grpc::Status status_;
};

}  // namespace saker::app
