// What the cases of the client share: a peer to call, calls that end, and a way to say what is
// wrong. A case is a function of that peer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "grpc/testing/test.grpc.pb.h"
#include "peer.h"

namespace interop {

using namespace grpc::testing;  // the messages
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using Text = std::string;  // what is wrong; empty: nothing

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

inline Text expect(const Status& status, StatusCode code, const Text* message = nullptr) {
  if (status.error_code() != code) {
    return "status " + std::to_string(status.error_code()) + " " + status.error_message();
  }
  if (message != nullptr && status.error_message() != *message) {
    return "message " + status.error_message();
  }
  return {};
}

inline Text expect(int64_t got, int64_t wanted) {
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

inline SimpleRequest large() {
  SimpleRequest request;
  request.set_response_size(314159);
  fill(request, 271828);
  return request;
}

// A large unary call, and whether its reply comes `compressed` (1), plain (0), or is not looked at.
Text call_large(TestService::Stub& stub, const SimpleRequest& request, bool gzip = false,
                int compressed = -1);

// cases_of_messages.cc
Text empty_unary(Peer& peer);
Text large_unary(Peer& peer);
Text client_compressed_unary(Peer& peer);
Text server_compressed_unary(Peer& peer);
Text client_streaming(Peer& peer);
Text client_compressed_streaming(Peer& peer);
Text server_streaming(Peer& peer);
Text server_compressed_streaming(Peer& peer);
Text ping_pong(Peer& peer);
Text empty_stream(Peer& peer);

// cases_of_status.cc
Text custom_metadata(Peer& peer);
Text status_code_and_message(Peer& peer);
Text special_status_message(Peer& peer);
Text unimplemented_method(Peer& peer);
Text unimplemented_service(Peer& peer);
Text cancel_after_begin(Peer& peer);
Text cancel_after_first_response(Peer& peer);
Text timeout_on_sleeping_server(Peer& peer);

// cases_of_load.cc
Text rpc_soak(Peer& peer);
Text channel_soak(Peer& peer);
Text concurrent_large_unary(Peer& peer);

}  // namespace interop
