// Cases about how calls end, and about metadata.
#include "client_case.h"

namespace interop {
namespace {

constexpr char kInitial[] = "x-grpc-test-echo-initial";
constexpr char kInitialValue[] = "test_initial_metadata_value";
constexpr char kTrailing[] = "x-grpc-test-echo-trailing-bin";
constexpr char kTrailingValue[] = "\xab\xab\xab";

Text echoed(const ClientContext& context) {
  const auto& initial = context.GetServerInitialMetadata();
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto first = initial.find(kInitial);
  const auto second = trailing.find(kTrailing);
  if (first == initial.end() || first->second != kInitialValue) return "initial metadata";
  if (second == trailing.end() || second->second != kTrailingValue) return "trailing metadata";
  return {};
}

}  // namespace

Text custom_metadata(Peer& peer) {
  Context unary;
  unary.AddMetadata(kInitial, kInitialValue);
  unary.AddMetadata(kTrailing, kTrailingValue);
  SimpleResponse reply;
  const Status status = peer.stub->UnaryCall(&unary, large(), &reply);
  Context context;
  context.AddMetadata(kInitial, kInitialValue);
  context.AddMetadata(kTrailing, kTrailingValue);
  const auto stream = peer.stub->FullDuplexCall(&context);
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(314159);
  fill(request, 271828);
  StreamingOutputCallResponse streamed;
  stream->Write(request);
  stream->WritesDone();
  while (stream->Read(&streamed)) {
  }
  const Status ended = stream->Finish();
  return first_of(expect(status, StatusCode::OK), echoed(unary), expect(ended, StatusCode::OK),
                  echoed(context));
}

Text status_code_and_message(Peer& peer) {
  const Text message = "test status message";
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(message);
  Context unary;
  SimpleResponse reply;
  const Status status = peer.stub->UnaryCall(&unary, request, &reply);
  Context context;
  const auto stream = peer.stub->FullDuplexCall(&context);
  StreamingOutputCallRequest streamed;
  *streamed.mutable_response_status() = request.response_status();
  stream->Write(streamed);
  stream->WritesDone();
  StreamingOutputCallResponse none;
  while (stream->Read(&none)) {
  }
  return first_of(expect(status, StatusCode::UNKNOWN, &message),
                  expect(stream->Finish(), StatusCode::UNKNOWN, &message));
}

Text special_status_message(Peer& peer) {
  const Text message =
      "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n";
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(message);
  Context context;
  SimpleResponse reply;
  return expect(peer.stub->UnaryCall(&context, request, &reply), StatusCode::UNKNOWN, &message);
}

Text unimplemented_method(Peer& peer) {
  Context context;
  Empty reply;
  return expect(peer.stub->UnimplementedCall(&context, {}, &reply), StatusCode::UNIMPLEMENTED);
}

Text unimplemented_service(Peer& peer) {
  Context context;
  Empty reply;
  const auto stub = UnimplementedService::NewStub(peer.channel);
  return expect(stub->UnimplementedCall(&context, {}, &reply), StatusCode::UNIMPLEMENTED);
}

Text cancel_after_begin(Peer& peer) {
  Context context;
  StreamingInputCallResponse reply;
  const auto stream = peer.stub->StreamingInputCall(&context, &reply);
  context.TryCancel();
  return expect(stream->Finish(), StatusCode::CANCELLED);
}

Text cancel_after_first_response(Peer& peer) {
  Context context;
  const auto stream = peer.stub->FullDuplexCall(&context);
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(31415);
  fill(request, 27182);
  StreamingOutputCallResponse reply;
  if (!stream->Write(request) || !stream->Read(&reply)) return "no first reply";
  context.TryCancel();
  return expect(stream->Finish(), StatusCode::CANCELLED);
}

Text timeout_on_sleeping_server(Peer& peer) {
  Context context(std::chrono::milliseconds(1));
  const auto stream = peer.stub->FullDuplexCall(&context);
  StreamingOutputCallRequest request;
  fill(request, 27182);
  stream->Write(request);
  StreamingOutputCallResponse reply;
  while (stream->Read(&reply)) {
  }
  return expect(stream->Finish(), StatusCode::DEADLINE_EXCEEDED);
}

}  // namespace interop
