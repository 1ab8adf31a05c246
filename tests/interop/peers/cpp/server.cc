// TestService by gRPC C++, after its own interop_server.
//   cpp-server --listen host:port|unix:/path [--cert FILE --key FILE]
#include <chrono>
#include <cstdio>
#include <thread>

#include "grpc/testing/test.grpc.pb.h"
#include "peer.h"

namespace {

using namespace grpc::testing;  // the messages
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

void echo_metadata(ServerContext& context) {
  const auto& metadata = context.client_metadata();
  if (const auto at = metadata.find("x-grpc-test-echo-initial"); at != metadata.end()) {
    context.AddInitialMetadata("x-grpc-test-echo-initial", {at->second.data(), at->second.size()});
  }
  if (const auto at = metadata.find("x-grpc-test-echo-trailing-bin"); at != metadata.end()) {
    context.AddTrailingMetadata("x-grpc-test-echo-trailing-bin",
                                {at->second.data(), at->second.size()});
  }
}

template <typename Request>
bool came_as_said(const ServerContext& context, const Request& request) {
  return !request.has_expect_compressed() ||
         request.expect_compressed().value() ==
             InteropServerContextInspector(context).was_compressed();
}

template <typename Request>
Status asked_status(const Request& request) {
  return {static_cast<StatusCode>(request.response_status().code()),
          request.response_status().message()};
}

void choose_compression(ServerContext& context, const StreamingOutputCallRequest& request) {
  for (const ResponseParameters& parameters : request.response_parameters()) {
    if (parameters.compressed().value()) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  }
}

template <typename Stream>
void answer(Stream& stream, const StreamingOutputCallRequest& request) {
  for (const ResponseParameters& parameters : request.response_parameters()) {
    std::this_thread::sleep_for(std::chrono::microseconds(parameters.interval_us()));
    grpc::WriteOptions options;
    if (!parameters.compressed().value()) options.set_no_compression();
    StreamingOutputCallResponse reply;
    reply.mutable_payload()->set_body(std::string(parameters.size(), '\0'));
    if (!stream.Write(reply, options)) return;
  }
}

class Service final : public TestService::Service {
  Status EmptyCall(ServerContext* context, const Empty*, Empty*) override {
    echo_metadata(*context);
    return Status::OK;
  }

  Status UnaryCall(ServerContext* context, const SimpleRequest* request,
                   SimpleResponse* response) override {
    echo_metadata(*context);
    if (!came_as_said(*context, *request)) return {StatusCode::INVALID_ARGUMENT, "compression"};
    if (request->response_status().code() != 0) return asked_status(*request);
    if (request->response_compressed().value()) {
      context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    }
    response->mutable_payload()->set_body(std::string(request->response_size(), '\0'));
    return Status::OK;
  }

  Status StreamingOutputCall(ServerContext* context, const StreamingOutputCallRequest* request,
                             grpc::ServerWriter<StreamingOutputCallResponse>* replies) override {
    echo_metadata(*context);
    choose_compression(*context, *request);
    answer(*replies, *request);
    return Status::OK;
  }

  Status StreamingInputCall(ServerContext* context,
                            grpc::ServerReader<StreamingInputCallRequest>* requests,
                            StreamingInputCallResponse* response) override {
    echo_metadata(*context);
    StreamingInputCallRequest request;
    size_t total = 0;
    while (requests->Read(&request)) {
      if (!came_as_said(*context, request)) return {StatusCode::INVALID_ARGUMENT, "compression"};
      total += request.payload().body().size();
    }
    response->set_aggregated_payload_size(static_cast<int32_t>(total));
    return Status::OK;
  }

  Status FullDuplexCall(ServerContext* context,
                        grpc::ServerReaderWriter<StreamingOutputCallResponse,
                                                 StreamingOutputCallRequest>* stream) override {
    echo_metadata(*context);
    StreamingOutputCallRequest request;
    while (stream->Read(&request)) {
      if (request.response_status().code() != 0) return asked_status(request);
      answer(*stream, request);
    }
    return Status::OK;
  }

  Status HalfDuplexCall(ServerContext* context,
                        grpc::ServerReaderWriter<StreamingOutputCallResponse,
                                                 StreamingOutputCallRequest>* stream) override {
    echo_metadata(*context);
    std::vector<StreamingOutputCallRequest> requests;
    StreamingOutputCallRequest request;
    while (stream->Read(&request)) requests.push_back(request);
    for (const auto& each : requests) answer(*stream, each);
    return Status::OK;
  }
};

}  // namespace

int main(int argc, char** argv) {
  peer::Arguments arguments(argc, argv);
  auto identity = grpc::InsecureServerCredentials();
  if (!arguments.flags["cert"].empty()) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back(
        {peer::read_file(arguments.flags["key"]), peer::read_file(arguments.flags["cert"])});
    identity = grpc::SslServerCredentials(options);
  }
  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(arguments.flags["listen"], identity);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 2;
  std::printf("listening on %s\n", arguments.flags["listen"].c_str());
  std::fflush(stdout);
  server->Wait();
}
