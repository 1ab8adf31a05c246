// Interoperability cases about metadata, and about calls that are to end with an error: by the
// server's word, by the client's, by the clock.
#include "grpc/testing/test.saker.h"
#include "interop_call.h"
#include "interop_cases.h"

namespace saker::app {

using grpc::StatusCode;
using ::grpc::testing::Empty;
using ::grpc::testing::TestServiceStub;
using ::grpc::testing::UnimplementedServiceStub;

namespace {

constexpr std::string_view kEchoInitial = "x-grpc-test-echo-initial";
constexpr std::string_view kInitialValue = "test_initial_metadata_value";
constexpr std::string_view kEchoTrailing = "x-grpc-test-echo-trailing-bin";
constexpr std::string_view kTrailingValue = "\xab\xab\xab";

// What is asked for beside status and metadata is the same in both calls.
void ask(::grpc::testing::SimpleRequest& request) {
  request.set_response_size(314159);
  fill(*request.mutable_payload(), 271828);
}
void ask(::grpc::testing::StreamingOutputCallRequest& request) {
  request.add_response_parameters()->set_size(314159);
  fill(*request.mutable_payload(), 271828);
}

template <typename Call>
void check_metadata(InteropCheck& check, const Call& call) {
  check.status(call.status(), StatusCode::kOk);
  check.that(call.initial_metadata().find(kEchoInitial) == kInitialValue,
             "the initial metadata does not echo x-grpc-test-echo-initial");
  check.that(call.trailing_metadata().find(kEchoTrailing) == kTrailingValue,
             "the trailing metadata does not echo x-grpc-test-echo-trailing-bin");
}

Result<void> run_unimplemented(InteropSession& session, const rpc::ClientMethod& method) {
  InteropUnary<Empty, Empty> call;
  session.run(call, method);
  InteropCheck check;
  check.status(call.status(), StatusCode::kUnimplemented);
  return check.result();
}

}  // namespace

Result<void> run_custom_metadata(InteropSession& session) {
  grpc::Metadata metadata;
  (void)metadata.add(kEchoInitial, kInitialValue);
  (void)metadata.add(kEchoTrailing, kTrailingValue);
  rpc::CallOptions options = session.call_options();
  options.metadata = &metadata;
  UnaryCall unary;
  ask(unary.request());
  session.run(unary, TestServiceStub::unary_call_method(), options);
  InteropCheck check;
  check_metadata(check, unary);
  OutputStream stream;
  stream.in_turn = true;
  ask(stream.add_request());
  session.run(stream, TestServiceStub::full_duplex_call_method(), options);
  check_metadata(check, stream);
  return check.result();
}

Result<void> run_status_code_and_message(InteropSession& session) {
  constexpr std::string_view kMessage = "test status message";
  UnaryCall unary;
  unary.request().mutable_response_status()->set_code(2);
  unary.request().mutable_response_status()->set_message(std::string(kMessage));
  session.run(unary, TestServiceStub::unary_call_method());
  InteropCheck check;
  check.status(unary.status(), StatusCode::kUnknown, kMessage);
  OutputStream stream;
  auto& request = stream.add_request();
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(std::string(kMessage));
  session.run(stream, TestServiceStub::full_duplex_call_method());
  check.status(stream.status(), StatusCode::kUnknown, kMessage);
  return check.result();
}

Result<void> run_special_status_message(InteropSession& session) {
  constexpr std::string_view kMessage =
      "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n";
  UnaryCall call;
  call.request().mutable_response_status()->set_code(2);
  call.request().mutable_response_status()->set_message(std::string(kMessage));
  session.run(call, TestServiceStub::unary_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kUnknown, kMessage);
  return check.result();
}

Result<void> run_unimplemented_method(InteropSession& session) {
  return run_unimplemented(session, TestServiceStub::unimplemented_call_method());
}

Result<void> run_unimplemented_service(InteropSession& session) {
  return run_unimplemented(session, UnimplementedServiceStub::unimplemented_call_method());
}

Result<void> run_cancel_after_begin(InteropSession& session) {
  InputStream call;
  call.cancel_after_replies = 0;
  session.run(call, TestServiceStub::streaming_input_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kCancelled);
  return check.result();
}

Result<void> run_cancel_after_first_response(InteropSession& session) {
  OutputStream call;
  call.in_turn = true;
  call.cancel_after_replies = 1;
  auto& request = call.add_request();
  request.add_response_parameters()->set_size(31415);
  fill(*request.mutable_payload(), 27182);
  session.run(call, TestServiceStub::full_duplex_call_method());
  InteropCheck check;
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()), 1);
  check.status(call.status(), StatusCode::kCancelled);
  return check.result();
}

// The server is asked for nothing, and the stream is not half-closed: both wait until time is up.
Result<void> run_timeout_on_sleeping_server(InteropSession& session) {
  OutputStream call;
  call.in_turn = true;
  fill(*call.add_request().mutable_payload(), 27182);
  rpc::CallOptions options;
  options.deadline = time_after(session.loop().read_clock(), std::chrono::milliseconds(1));
  session.run(call, TestServiceStub::full_duplex_call_method(), options);
  InteropCheck check;
  check.status(call.status(), StatusCode::kDeadlineExceeded);
  return check.result();
}

}  // namespace saker::app
