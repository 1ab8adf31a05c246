// Cases about messages: unary and streamed, large, empty, compressed.
#include "client_case.h"

namespace interop {
namespace {

constexpr int kRequestBytes[] = {27182, 8, 1828, 45904};
constexpr int kReplyBytes[] = {31415, 9, 2653, 58979};

}  // namespace

Text call_large(TestService::Stub& stub, const SimpleRequest& request, bool gzip, int compressed) {
  Context context;
  if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  SimpleResponse reply;
  const Status status = stub.UnaryCall(&context, request, &reply);
  if (Text why = expect(status, StatusCode::OK); !why.empty()) return why;
  if (compressed >= 0 &&
      InteropClientContextInspector(context).was_compressed() != (compressed == 1)) {
    return compressed == 1 ? "not compressed" : "compressed";
  }
  return expect(static_cast<int64_t>(reply.payload().body().size()), 314159);
}

Text empty_unary(Peer& peer) {
  Context context;
  Empty reply;
  return expect(peer.stub->EmptyCall(&context, {}, &reply), StatusCode::OK);
}

Text large_unary(Peer& peer) {
  return call_large(*peer.stub, large());
}

Text client_compressed_unary(Peer& peer) {
  SimpleRequest request = large();
  request.mutable_expect_compressed()->set_value(true);
  Context probe;
  probe.set_compression_algorithm(GRPC_COMPRESS_NONE);
  SimpleResponse reply;
  const Status status = peer.stub->UnaryCall(&probe, request, &reply);
  const Text first = expect(status, StatusCode::INVALID_ARGUMENT);
  const Text second = call_large(*peer.stub, request, true);
  request.mutable_expect_compressed()->set_value(false);
  return first_of(first, second, call_large(*peer.stub, request));
}

Text server_compressed_unary(Peer& peer) {
  SimpleRequest request = large();
  request.mutable_response_compressed()->set_value(true);
  const Text first = call_large(*peer.stub, request, false, 1);
  request.mutable_response_compressed()->set_value(false);
  return first_of(first, call_large(*peer.stub, request, false, 0));
}

Text client_streaming(Peer& peer) {
  Context context;
  StreamingInputCallResponse reply;
  const auto stream = peer.stub->StreamingInputCall(&context, &reply);
  StreamingInputCallRequest request;
  for (const int bytes : kRequestBytes) {
    fill(request, bytes);
    stream->Write(request);
  }
  stream->WritesDone();
  const Status status = stream->Finish();
  return first_of(expect(status, StatusCode::OK), expect(reply.aggregated_payload_size(), 74922));
}

Text client_compressed_streaming(Peer& peer) {
  StreamingInputCallRequest request;
  request.mutable_expect_compressed()->set_value(true);
  fill(request, 27182);
  Context probe;
  probe.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  StreamingInputCallResponse reply;
  const grpc::WriteOptions plain = grpc::WriteOptions().set_no_compression();
  auto stream = peer.stub->StreamingInputCall(&probe, &reply);
  stream->Write(request, plain);
  stream->WritesDone();
  const Text first = expect(stream->Finish(), StatusCode::INVALID_ARGUMENT);
  Context context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  stream = peer.stub->StreamingInputCall(&context, &reply);
  stream->Write(request);
  request.mutable_expect_compressed()->set_value(false);
  fill(request, 45904);
  stream->Write(request, plain);
  stream->WritesDone();
  const Text second = expect(stream->Finish(), StatusCode::OK);
  return first_of(first, second, expect(reply.aggregated_payload_size(), 73086));
}

Text server_streaming(Peer& peer) {
  Context context;
  StreamingOutputCallRequest request;
  for (const int bytes : kReplyBytes) request.add_response_parameters()->set_size(bytes);
  const auto stream = peer.stub->StreamingOutputCall(&context, request);
  StreamingOutputCallResponse reply;
  Text why;
  size_t at = 0;
  for (; stream->Read(&reply); ++at) {
    if (at < 4) why = first_of(why, expect(reply.payload().body().size(), kReplyBytes[at]));
  }
  return first_of(expect(stream->Finish(), StatusCode::OK), why, expect(at, 4));
}

Text server_compressed_streaming(Peer& peer) {
  Context context;
  StreamingOutputCallRequest request;
  for (const auto [bytes, compressed] : {std::pair{31415, true}, {92653, false}}) {
    auto* parameters = request.add_response_parameters();
    parameters->set_size(bytes);
    parameters->mutable_compressed()->set_value(compressed);
  }
  const auto stream = peer.stub->StreamingOutputCall(&context, request);
  StreamingOutputCallResponse reply;
  Text why;
  size_t at = 0;
  for (; stream->Read(&reply); ++at) {
    const bool compressed = InteropClientContextInspector(context).was_compressed();
    why = first_of(why, expect(reply.payload().body().size(), at == 0 ? 31415 : 92653),
                   compressed == (at == 0) ? Text() : "compression of a reply");
  }
  return first_of(expect(stream->Finish(), StatusCode::OK), why, expect(at, 2));
}

Text ping_pong(Peer& peer) {
  Context context;
  const auto stream = peer.stub->FullDuplexCall(&context);
  Text why;
  for (size_t at = 0; at < 4; ++at) {
    StreamingOutputCallRequest request;
    request.add_response_parameters()->set_size(kReplyBytes[at]);
    fill(request, kRequestBytes[at]);
    StreamingOutputCallResponse reply;
    if (!stream->Write(request) || !stream->Read(&reply)) break;
    why = first_of(why, expect(reply.payload().body().size(), kReplyBytes[at]));
  }
  stream->WritesDone();
  StreamingOutputCallResponse more;
  if (stream->Read(&more)) why = "one reply too many";
  return first_of(expect(stream->Finish(), StatusCode::OK), why);
}

Text empty_stream(Peer& peer) {
  Context context;
  const auto stream = peer.stub->FullDuplexCall(&context);
  stream->WritesDone();
  StreamingOutputCallResponse reply;
  const Text why = stream->Read(&reply) ? "a reply" : "";
  return first_of(expect(stream->Finish(), StatusCode::OK), why);
}

}  // namespace interop
