// gRPC's interoperability cases by gRPC C++, after its own interop_client. One line a case:
// "ok  NAME" or "FAIL  NAME  why".
//   cpp-client --target host:port|unix:/path [--ca FILE --server-name NAME] CASE...
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>

#include "grpc/testing/test.grpc.pb.h"
#include "peer.h"

namespace {

using namespace grpc::testing;  // the messages
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using Text = std::string;  // what is wrong; empty: nothing

constexpr int kRequestBytes[] = {27182, 8, 1828, 45904};
constexpr int kReplyBytes[] = {31415, 9, 2653, 58979};
constexpr char kInitial[] = "x-grpc-test-echo-initial";
constexpr char kInitialValue[] = "test_initial_metadata_value";
constexpr char kTrailing[] = "x-grpc-test-echo-trailing-bin";
constexpr char kTrailingValue[] = "\xab\xab\xab";

struct Peer {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<TestService::Stub> stub;
  std::function<std::shared_ptr<grpc::Channel>()> connect;
};

struct Context : ClientContext {
  explicit Context(std::chrono::milliseconds time = std::chrono::seconds(60)) {
    set_deadline(std::chrono::system_clock::now() + time);
  }
};

Text expect(const Status& status, StatusCode code, const Text* message = nullptr) {
  if (status.error_code() != code) {
    return "status " + std::to_string(status.error_code()) + " " + status.error_message();
  }
  if (message != nullptr && status.error_message() != *message) {
    return "message " + status.error_message();
  }
  return {};
}

Text expect(int64_t got, int64_t wanted) {
  return got == wanted ? Text() : std::to_string(got) + ", not " + std::to_string(wanted);
}

template <typename... More>
Text first_of(const Text& text, const More&... more) {
  if constexpr (sizeof...(more) > 0) return text.empty() ? first_of(more...) : text;
  return text;
}

template <typename T>
void fill(T& message, int bytes) {
  message.mutable_payload()->set_body(std::string(bytes, '\0'));
}

SimpleRequest large() {
  SimpleRequest request;
  request.set_response_size(314159);
  fill(request, 271828);
  return request;
}

Text call_large(TestService::Stub& stub, const SimpleRequest& request, bool gzip = false,
                int compressed = -1) {
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

Text echoed(const ClientContext& context) {
  const auto& initial = context.GetServerInitialMetadata();
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto first = initial.find(kInitial);
  const auto second = trailing.find(kTrailing);
  if (first == initial.end() || first->second != kInitialValue) return "initial metadata";
  if (second == trailing.end() || second->second != kTrailingValue) return "trailing metadata";
  return {};
}

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

Text rpc_soak(Peer& peer) {
  for (int at = 0; at < 10; ++at) {
    if (Text why = large_unary(peer); !why.empty()) return why;
  }
  return {};
}

Text channel_soak(Peer& peer) {
  for (int at = 0; at < 10; ++at) {
    const auto stub = TestService::NewStub(peer.connect());
    if (Text why = call_large(*stub, large()); !why.empty()) return why;
  }
  return {};
}

// A hundred at a time, which is what servers let one connection have.
Text concurrent_large_unary(Peer& peer) {
  constexpr int kCalls = 100;
  struct Call {
    Context context;
    SimpleRequest request = large();
    SimpleResponse reply;
    Status status;
  };
  std::vector<std::unique_ptr<Call>> calls;
  std::mutex mutex;
  std::condition_variable ended;
  int open = kCalls;
  for (int at = 0; at < kCalls; ++at) {
    calls.push_back(std::make_unique<Call>());
    Call* call = calls.back().get();
    peer.stub->async()->UnaryCall(&call->context, &call->request, &call->reply,
                                  [&, call](Status s) {
                                    const std::lock_guard lock(mutex);
                                    call->status = std::move(s);
                                    if (--open == 0) ended.notify_one();
                                  });
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open == 0; });
  Text why;
  for (const auto& call : calls) {
    why = first_of(why, expect(call->status, StatusCode::OK),
                   expect(call->reply.payload().body().size(), 314159));
  }
  return why;
}

const std::map<Text, Text (*)(Peer&)> kCases = {
#define CASE(name) {#name, name}
    CASE(empty_unary),
    CASE(large_unary),
    CASE(client_compressed_unary),
    CASE(server_compressed_unary),
    CASE(client_streaming),
    CASE(client_compressed_streaming),
    CASE(server_streaming),
    CASE(server_compressed_streaming),
    CASE(ping_pong),
    CASE(empty_stream),
    CASE(custom_metadata),
    CASE(status_code_and_message),
    CASE(special_status_message),
    CASE(unimplemented_method),
    CASE(unimplemented_service),
    CASE(cancel_after_begin),
    CASE(cancel_after_first_response),
    CASE(timeout_on_sleeping_server),
    CASE(rpc_soak),
    CASE(channel_soak),
    CASE(concurrent_large_unary),
#undef CASE
};

std::shared_ptr<grpc::Channel> connect(peer::Arguments& arguments) {
  auto& flags = arguments.flags;
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (flags["ca"].empty()) {
    return grpc::CreateCustomChannel(flags["target"], grpc::InsecureChannelCredentials(), options);
  }
  options.SetSslTargetNameOverride(flags["server-name"]);
  grpc::SslCredentialsOptions identity;
  identity.pem_root_certs = peer::read_file(flags["ca"]);
  return grpc::CreateCustomChannel(flags["target"], grpc::SslCredentials(identity), options);
}

}  // namespace

int main(int argc, char** argv) {
  peer::Arguments arguments(argc, argv);
  int failed = 0;
  for (const std::string& name : arguments.rest) {
    Peer peer;
    peer.connect = [&] { return connect(arguments); };
    peer.channel = peer.connect();
    peer.stub = TestService::NewStub(peer.channel);
    const auto found = kCases.find(name);
    const Text why = found == kCases.end() ? "no such case" : found->second(peer);
    if (!why.empty()) failed = 1;
    std::printf("%-5s %s  %s\n", why.empty() ? "ok" : "FAIL", name.c_str(), why.c_str());
    std::fflush(stdout);
  }
  return failed;
}
