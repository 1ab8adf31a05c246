#include "saker/services/interop/interop_service.h"

#include <string>
#include <vector>

#include "grpc/testing/test.saker.h"
#include "saker/rpc/sleep.h"

namespace saker::interop {
namespace {

using grpc::Status;
using grpc::StatusCode;
using ::grpc::testing::BoolValue;
using ::grpc::testing::EchoStatus;
using ::grpc::testing::Empty;
using ::grpc::testing::Payload;
using ::grpc::testing::ResponseParameters;
using ::grpc::testing::SimpleRequest;
using ::grpc::testing::SimpleResponse;
using ::grpc::testing::StreamingInputCallRequest;
using ::grpc::testing::StreamingInputCallResponse;
using ::grpc::testing::StreamingOutputCallRequest;
using ::grpc::testing::StreamingOutputCallResponse;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;

constexpr std::string_view kEchoInitial = "x-grpc-test-echo-initial";
constexpr std::string_view kEchoTrailing = "x-grpc-test-echo-trailing-bin";

bool is_set(const BoolValue& flag) {
  return flag.value();  // lint-allow: value protobuf's field of that name
}

Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message), {}};
}

// What came in as metadata goes out as metadata; it was legal on its way in.
void echo_metadata(ServerContext& context) {
  if (const auto value = context.metadata().find(kEchoInitial)) {
    (void)context.initial_metadata().add(kEchoInitial, *value);
  }
  if (const auto value = context.metadata().find(kEchoTrailing)) {
    (void)context.trailing_metadata().add(kEchoTrailing, *value);
  }
}

// Codes that are none of gRPC's are UNKNOWN, as everywhere (grpc/doc/statuscodes.md).
Status to_status(const EchoStatus& echo) {
  const bool known = echo.code() >= 0 && echo.code() < static_cast<int>(grpc::kStatusCodeCount);
  return {known ? static_cast<StatusCode>(echo.code()) : StatusCode::kUnknown, echo.message(), {}};
}

// The request says how it should have arrived: what compresses unseen on the way is found out.
template <typename Request>
Status check_compression(const ServerContext& context, const Request& request) {
  if (!request.has_expect_compressed()) return {};
  if (is_set(request.expect_compressed()) == context.request_was_compressed()) return {};
  return invalid(is_set(request.expect_compressed()) ? "the request is not compressed"
                                                     : "the request is compressed");
}

Status fill(Payload& payload, int64_t bytes) {
  if (bytes < 0 || bytes > kMaxResponseBytes) {
    return invalid("a reply of " + std::to_string(bytes) + " bytes");
  }
  payload.mutable_body()->assign(static_cast<size_t>(bytes), '\0');
  return {};
}

Status answer(ServerContext& context, const SimpleRequest& request, SimpleResponse& response) {
  echo_metadata(context);
  if (Status status = check_compression(context, request); !status.ok()) return status;
  if (request.response_status().code() != 0) return to_status(request.response_status());
  if (is_set(request.response_compressed())) context.set_compression(grpc::Compression::kGzip);
  return fill(*response.mutable_payload(), request.response_size());
}

// Has no state, hence one for all servers.
class InteropService : public ::grpc::testing::UnimplementedTestService {
 public:
  Status empty_call(ServerContext& context, Empty&, Empty&) const {
    echo_metadata(context);
    return {};
  }

  Status unary_call(ServerContext& context, SimpleRequest& request,
                    SimpleResponse& response) const {
    return answer(context, request, response);
  }

  Status cacheable_unary_call(ServerContext& context, SimpleRequest& request,
                              SimpleResponse& response) const {
    (void)context.initial_metadata().add("cache-control", "max-age=60, public");
    return answer(context, request, response);
  }

  Task<Status> streaming_output_call(ServerContext& context, StreamingOutputCallRequest& request,
                                     Writer<StreamingOutputCallResponse>& replies) const {
    echo_metadata(context);
    auto status = co_await answer_stream(context, request, replies);
    co_return status.value_or(Status{});
  }

  Task<Status> streaming_input_call(ServerContext& context,
                                    Reader<StreamingInputCallRequest>& requests,
                                    StreamingInputCallResponse& response) const {
    echo_metadata(context);
    StreamingInputCallRequest request;
    int64_t total = 0;
    while (co_await requests.read(request)) {
      if (Status status = check_compression(context, request); !status.ok()) co_return status;
      total += static_cast<int64_t>(request.payload().body().size());
    }
    response.set_aggregated_payload_size(static_cast<int32_t>(total));
    co_return Status{};
  }

  Task<Status> full_duplex_call(ServerContext& context,
                                Reader<StreamingOutputCallRequest>& requests,
                                Writer<StreamingOutputCallResponse>& replies) const {
    echo_metadata(context);
    StreamingOutputCallRequest request;
    while (co_await requests.read(request)) {
      auto status = co_await answer_stream(context, request, replies);
      if (!status || !status->ok()) co_return status.value_or(Status{});
    }
    co_return Status{};
  }

  // All requests are read before the first is answered. Beyond the limit of one message they are too
  // many to keep.
  Task<Status> half_duplex_call(ServerContext& context,
                                Reader<StreamingOutputCallRequest>& requests,
                                Writer<StreamingOutputCallResponse>& replies) const {
    echo_metadata(context);
    std::vector<StreamingOutputCallRequest> kept;
    size_t kept_bytes = 0;
    StreamingOutputCallRequest request;
    while (co_await requests.read(request)) {
      request.clear_payload();
      kept_bytes += request.SpaceUsedLong();
      if (kept_bytes > kMaxKeptBytes) {
        co_return Status{StatusCode::kResourceExhausted, "too many requests to keep", {}};
      }
      kept.push_back(std::move(request));
    }
    for (const StreamingOutputCallRequest& each : kept) {
      auto status = co_await answer_stream(context, each, replies);
      if (!status || !status->ok()) co_return status.value_or(Status{});
    }
    co_return Status{};
  }

 private:
  static constexpr size_t kMaxKeptBytes = 4 << 20;

  // One encoding for the call, announced in its head; each message says whether it uses it.
  static void choose_compression(ServerContext& context,
                                 const StreamingOutputCallRequest& request) {
    for (const ResponseParameters& parameters : request.response_parameters()) {
      if (is_set(parameters.compressed())) context.set_compression(grpc::Compression::kGzip);
    }
  }

  // The replies that one request of a stream asks for, or the status that it asks for.
  static Task<Status> answer_stream(ServerContext& context,
                                    const StreamingOutputCallRequest& request,
                                    Writer<StreamingOutputCallResponse>& replies) {
    if (request.response_status().code() != 0) co_return to_status(request.response_status());
    choose_compression(context, request);
    for (const ResponseParameters& parameters : request.response_parameters()) {
      if (!co_await rpc::sleep_for(context, std::chrono::microseconds(parameters.interval_us()))) {
        break;
      }
      StreamingOutputCallResponse reply;
      Status status = fill(*reply.mutable_payload(), parameters.size());
      if (!status.ok()) co_return status;
      context.compress_replies(is_set(parameters.compressed()));
      if (!co_await replies.write(reply)) break;
    }
    co_return Status{};
  }
};

constexpr InteropService kService;

}  // namespace

void register_interop_service(rpc::Dispatcher& dispatcher) {
  ::grpc::testing::register_test_service(dispatcher, kService);
}

}  // namespace saker::interop
