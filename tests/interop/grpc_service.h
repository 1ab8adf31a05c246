// The test service of interop.proto, and Echo, on gRPC C++'s synchronous server, as its
// documentation shows it. Answers what Saker's server answers; shares no code with Saker.
#pragma once

#include <grpcpp/grpcpp.h>

#include "interop.grpc.pb.h"
#include "marks.h"
#include "saker/echo/v1/echo.grpc.pb.h"

namespace interop {

class InteropService final : public saker::interop::v1::Interop::Service {
 public:
  using Answer = saker::interop::v1::Answer;
  using Instruction = saker::interop::v1::Instruction;

  grpc::Status Unary(grpc::ServerContext* context, const Instruction* instruction,
                     Answer* answer) override;
  grpc::Status Collect(grpc::ServerContext* context, grpc::ServerReader<Instruction>* reader,
                       Answer* answer) override;
  grpc::Status Expand(grpc::ServerContext* context, const Instruction* instruction,
                      grpc::ServerWriter<Answer>* writer) override;
  grpc::Status Chat(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<Answer, Instruction>* stream) override;
  grpc::Status Watch(grpc::ServerContext* context, const saker::interop::v1::Mark* mark,
                     saker::interop::v1::Marked* marked) override;

 private:
  saker::interop::Marks marks_;
};

class EchoService final : public saker::echo::v1::Echo::Service {
 public:
  using EchoCollectReply = saker::echo::v1::EchoCollectReply;
  using EchoReply = saker::echo::v1::EchoReply;
  using EchoRequest = saker::echo::v1::EchoRequest;

  grpc::Status Echo(grpc::ServerContext* context, const EchoRequest* request,
                    EchoReply* reply) override;
  grpc::Status EchoStream(grpc::ServerContext* context,
                          grpc::ServerReaderWriter<EchoReply, EchoRequest>* stream) override;
  grpc::Status EchoCollect(grpc::ServerContext* context, grpc::ServerReader<EchoRequest>* reader,
                           EchoCollectReply* reply) override;
  grpc::Status EchoExpand(grpc::ServerContext* context, const EchoRequest* request,
                          grpc::ServerWriter<EchoReply>* writer) override;
};

}  // namespace interop
