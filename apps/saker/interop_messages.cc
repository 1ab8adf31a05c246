// Interoperability cases about messages: empty and large, one and many, in turn and not at all.
#include <array>

#include "grpc/testing/test.saker.h"
#include "interop_call.h"
#include "interop_cases.h"

namespace saker::app {

using grpc::StatusCode;
using ::grpc::testing::Empty;
using ::grpc::testing::TestServiceStub;

namespace {

constexpr std::array<int32_t, 4> kRequestBytes = {27182, 8, 1828, 45904};
constexpr std::array<int32_t, 4> kReplyBytes = {31415, 9, 2653, 58979};

void check_replies(InteropCheck& check, const OutputStream& call) {
  check.status(call.status(), StatusCode::kOk);
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()),
              static_cast<int64_t>(kReplyBytes.size()));
  for (size_t at = 0; check.holds() && at < kReplyBytes.size(); ++at) {
    check.equal("the size of a reply",
                static_cast<int64_t>(call.replies[at].reply.payload().body().size()),
                kReplyBytes[at]);
  }
}

}  // namespace

Result<void> run_empty_unary(InteropSession& session) {
  InteropUnary<Empty, Empty> call;
  session.run(call, TestServiceStub::empty_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kOk);
  check.that(call.reply().ByteSizeLong() == 0, "the reply is not empty");
  return check.result();
}

Result<void> run_large_unary(InteropSession& session) {
  UnaryCall call;
  call.request().set_response_size(314159);
  fill(*call.request().mutable_payload(), 271828);
  session.run(call, TestServiceStub::unary_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kOk);
  check.equal("the reply's type", call.reply().payload().type(), ::grpc::testing::COMPRESSABLE);
  check.that(call.reply().payload().body() == std::string(314159, '\0'),
             "the reply's body is not 314159 zeros");
  return check.result();
}

Result<void> run_client_streaming(InteropSession& session) {
  InputStream call;
  for (const int32_t bytes : kRequestBytes) fill(*call.add_request().mutable_payload(), bytes);
  session.run(call, TestServiceStub::streaming_input_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kOk);
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()), 1);
  if (!check.holds()) return check.result();
  check.equal("aggregated_payload_size", call.replies[0].reply.aggregated_payload_size(), 74922);
  return check.result();
}

Result<void> run_server_streaming(InteropSession& session) {
  OutputStream call;
  auto& request = call.add_request();
  for (const int32_t bytes : kReplyBytes) request.add_response_parameters()->set_size(bytes);
  session.run(call, TestServiceStub::streaming_output_call_method());
  InteropCheck check;
  check_replies(check, call);
  return check.result();
}

Result<void> run_ping_pong(InteropSession& session) {
  OutputStream call;
  call.in_turn = true;
  for (size_t at = 0; at < kRequestBytes.size(); ++at) {
    auto& request = call.add_request();
    request.add_response_parameters()->set_size(kReplyBytes[at]);
    fill(*request.mutable_payload(), kRequestBytes[at]);
  }
  session.run(call, TestServiceStub::full_duplex_call_method());
  InteropCheck check;
  check_replies(check, call);
  return check.result();
}

Result<void> run_empty_stream(InteropSession& session) {
  OutputStream call;
  session.run(call, TestServiceStub::full_duplex_call_method());
  InteropCheck check;
  check.status(call.status(), StatusCode::kOk);
  check.equal("the number of replies", static_cast<int64_t>(call.replies.size()), 0);
  return check.result();
}

}  // namespace saker::app
