// Interoperability cases about compression of single messages. Those of the client begin with a
// probe, a request that says it is compressed and is not: a server that does not look would let the
// case pass without having been tested.
#include "grpc/testing/test.saker.h"
#include "interop_call.h"
#include "interop_cases.h"

namespace saker::app {

using grpc::StatusCode;
using ::grpc::testing::TestServiceStub;

namespace {

constexpr int32_t kUnaryRequestBytes = 271828;
constexpr int32_t kUnaryReplyBytes = 314159;

rpc::CallOptions with_gzip(const InteropSession& session) {
  rpc::CallOptions options = session.call_options();
  options.compression = grpc::Compression::kGzip;
  return options;
}

// One UnaryCall whose request says `expected`; compressed or not.
void call_compressed(InteropSession& session, bool expected, bool compressed, StatusCode wanted,
                     InteropCheck& check) {
  UnaryCall call;
  call.request().mutable_expect_compressed()->set_value(expected);
  call.request().set_response_size(kUnaryReplyBytes);
  fill(*call.request().mutable_payload(), kUnaryRequestBytes);
  session.run(call, TestServiceStub::unary_call_method(),
              compressed ? with_gzip(session) : session.call_options());
  check.status(call.status(), wanted);
  if (wanted != StatusCode::kOk || !check.holds()) return;
  check.equal("the size of the reply", static_cast<int64_t>(call.reply().payload().body().size()),
              kUnaryReplyBytes);
}

void ask_for_compressed(InteropSession& session, bool compressed, InteropCheck& check) {
  UnaryCall call;
  call.request().mutable_response_compressed()->set_value(compressed);
  call.request().set_response_size(kUnaryReplyBytes);
  fill(*call.request().mutable_payload(), kUnaryRequestBytes);
  session.run(call, TestServiceStub::unary_call_method());
  check.status(call.status(), StatusCode::kOk);
  check.that(call.reply_was_compressed() == compressed,
             compressed ? "the reply is not compressed" : "the reply is compressed");
  if (!check.holds()) return;
  check.equal("the size of the reply", static_cast<int64_t>(call.reply().payload().body().size()),
              kUnaryReplyBytes);
}

void add_input(InputStream& call, bool expected, bool compressed, size_t bytes) {
  auto& request = call.add_request(compressed);
  request.mutable_expect_compressed()->set_value(expected);
  fill(*request.mutable_payload(), bytes);
}

}  // namespace

Result<void> run_client_compressed_unary(InteropSession& session) {
  InteropCheck check;
  call_compressed(session, true, false, StatusCode::kInvalidArgument, check);
  call_compressed(session, true, true, StatusCode::kOk, check);
  call_compressed(session, false, false, StatusCode::kOk, check);
  return check.result();
}

Result<void> run_server_compressed_unary(InteropSession& session) {
  InteropCheck check;
  ask_for_compressed(session, true, check);
  ask_for_compressed(session, false, check);
  return check.result();
}

Result<void> run_client_compressed_streaming(InteropSession& session) {
  InteropCheck check;
  InputStream probe;
  add_input(probe, true, false, 27182);
  session.run(probe, TestServiceStub::streaming_input_call_method());
  check.status(probe.status(), StatusCode::kInvalidArgument);
  InputStream call;
  add_input(call, true, true, 27182);
  add_input(call, false, false, 45904);
  session.run(call, TestServiceStub::streaming_input_call_method(), with_gzip(session));
  check.status(call.status(), StatusCode::kOk);
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()), 1);
  if (!check.holds()) return check.result();
  check.equal("aggregated_payload_size", call.replies[0].reply.aggregated_payload_size(), 73086);
  return check.result();
}

Result<void> run_server_compressed_streaming(InteropSession& session) {
  OutputStream call;
  auto& request = call.add_request();
  auto* first = request.add_response_parameters();
  first->mutable_compressed()->set_value(true);
  first->set_size(31415);
  auto* second = request.add_response_parameters();
  second->mutable_compressed()->set_value(false);
  second->set_size(92653);
  session.run(call, TestServiceStub::streaming_output_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kOk);
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()), 2);
  if (!check.holds()) return check.result();
  check.that(call.replies[0].compressed, "the first reply is not compressed");
  check.that(!call.replies[1].compressed, "the second reply is compressed");
  check.equal("the size of the first reply",
              static_cast<int64_t>(call.replies[0].reply.payload().body().size()), 31415);
  check.equal("the size of the second reply",
              static_cast<int64_t>(call.replies[1].reply.payload().body().size()), 92653);
  return check.result();
}

}  // namespace saker::app
