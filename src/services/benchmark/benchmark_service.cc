#include "saker/services/benchmark/benchmark_service.h"

#include <string>
#include <utility>

#include "grpc/testing/messages.pb.h"

namespace saker::benchmark {
namespace {

using grpc::Status;
using grpc::StatusCode;
using rpc::RawMessage;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;

struct ProtobufPayload {
  using Request = ::grpc::testing::SimpleRequest;
  using Reply = ::grpc::testing::SimpleResponse;

  static Status fill(const Request& request, Reply& reply) {
    const int32_t bytes = request.response_size();
    if (bytes < 0 || bytes > kMaxPayloadBytes) {
      return {StatusCode::kInvalidArgument, "response_size " + std::to_string(bytes), {}};
    }
    if (bytes == 0) {
      reply.clear_payload();
    } else {
      reply.mutable_payload()->mutable_body()->resize(static_cast<size_t>(bytes));
    }
    return {};
  }
};

struct BytebufPayload {
  using Request = RawMessage;
  using Reply = RawMessage;

  Status fill(const Request&, Reply& reply) const {
    reply.bytes.resize(reply_bytes);
    return {};
  }

  size_t reply_bytes;
};

template <typename Payload>
struct UnaryCall {
  using Request = typename Payload::Request;
  using Reply = typename Payload::Reply;

  Status operator()(ServerContext&, Request& request, Reply& reply) const {
    return payload.fill(request, reply);
  }

  Payload payload;
};

template <typename Payload>
struct StreamingCall {
  using Request = typename Payload::Request;
  using Reply = typename Payload::Reply;

  Task<Status> operator()(ServerContext&, Reader<Request>& requests, Writer<Reply>& replies) const {
    Request request;
    Reply reply;
    while (co_await requests.read(request)) {
      Status status = payload.fill(request, reply);
      if (!status.ok()) co_return status;
      if (!co_await replies.write(reply)) break;
    }
    co_return Status{};
  }

  Payload payload;
};

// The reply is as the last request asks.
template <typename Payload>
struct StreamingFromClient {
  using Request = typename Payload::Request;
  using Reply = typename Payload::Reply;

  Task<Status> operator()(ServerContext&, Reader<Request>& requests, Reply& reply) const {
    Request request;
    Request last;
    while (co_await requests.read(request)) std::swap(last, request);
    co_return payload.fill(last, reply);
  }

  Payload payload;
};

template <typename Payload>
struct StreamingFromServer {
  using Request = typename Payload::Request;
  using Reply = typename Payload::Reply;

  Task<Status> operator()(ServerContext&, Request& request, Writer<Reply>& replies) const {
    Reply reply;
    Status status = payload.fill(request, reply);
    while (status.ok() && co_await replies.write(reply)) {
    }
    co_return status;
  }

  Payload payload;
};

template <typename Payload>
void register_service(rpc::Dispatcher& dispatcher, const Payload& payload) {
  using Request = typename Payload::Request;
  using Reply = typename Payload::Reply;
  const std::string service = "/grpc.testing.BenchmarkService/";
  dispatcher.add_unary<Request, Reply>(service + "UnaryCall", UnaryCall<Payload>{payload});
  for (const char* method : {"StreamingCall", "StreamingBothWays"}) {
    dispatcher.add_bidi_streaming<Request, Reply>(service + method,
                                                  StreamingCall<Payload>{payload});
  }
  dispatcher.add_client_streaming<Request, Reply>(service + "StreamingFromClient",
                                                  StreamingFromClient<Payload>{payload});
  dispatcher.add_server_streaming<Request, Reply>(service + "StreamingFromServer",
                                                  StreamingFromServer<Payload>{payload});
}

}  // namespace

void register_protobuf_service(rpc::Dispatcher& dispatcher) {
  register_service(dispatcher, ProtobufPayload{});
}

void register_bytebuf_service(rpc::Dispatcher& dispatcher, size_t reply_bytes) {
  register_service(dispatcher, BytebufPayload{reply_bytes});
}

}  // namespace saker::benchmark
