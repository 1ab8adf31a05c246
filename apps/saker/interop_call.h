// The calls that interoperability cases are written with: InteropUnary, a call that tells when it is
// done; InteropStream, a conversation that is laid down before it starts; and InteropCheck, which
// keeps the first thing that is not as the official description of a case says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/testing/messages.pb.h"
#include "saker/base/result.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::app {

class InteropCheck {
 public:
  void that(bool holds, const std::string& otherwise) {
    if (!holds && first_.empty()) first_ = otherwise;
  }
  void status(const grpc::Status& got, grpc::StatusCode wanted);
  // The same, and its message.
  void status(const grpc::Status& got, grpc::StatusCode wanted, std::string_view message);
  void equal(std::string_view what, int64_t got, int64_t wanted);
  bool holds() const { return first_.empty(); }
  Result<void> result() const;

 private:
  std::string first_;
};

// A payload of so many zeros.
inline void fill(::grpc::testing::Payload& payload, size_t bytes) {
  payload.mutable_body()->assign(bytes, '\0');
}

template <typename Request, typename Reply>
class InteropUnary final : public rpc::UnaryClientCall<Request, Reply> {
 public:
  bool done = false;

 private:
  void on_done() override { done = true; }
};

template <typename Request, typename Reply>
class InteropStream final : public rpc::StreamingClientCall<Request, Reply> {
 public:
  struct Sent {
    Request request;
    bool compressed = false;
  };
  struct Received {
    Reply reply;
    bool compressed = false;
  };
  static constexpr size_t kNoReply = SIZE_MAX;

  std::vector<Sent> requests;
  bool in_turn = false;                    // the next request when a reply has come
  size_t cancel_after_replies = kNoReply;  // 0: as soon as the call is open
  std::vector<Received> replies;
  bool done = false;

  Request& add_request(bool compressed = false) {
    requests.push_back({Request(), compressed});
    return requests.back().request;
  }

 private:
  void on_writable() override {
    if (cancel_after_replies == 0) return this->cancel();
    if (in_turn && sent_ > 0) return;
    if (requests.empty()) return this->writes_done();
    do {
      send_next();
    } while (!in_turn && sent_ < requests.size() && this->writable());
  }
  // Not half-closed with the last request of those in turn: that waits for its reply.
  void send_next() {
    if (sent_ == requests.size()) return;
    const Sent& one = requests[sent_++];
    this->compress_requests(one.compressed);
    (void)this->write(one.request, !in_turn && sent_ == requests.size());
  }
  void on_reply(Reply& reply) override {
    replies.push_back({reply, this->reply_was_compressed()});
    if (replies.size() == cancel_after_replies) return this->cancel();
    if (!in_turn) return;
    if (sent_ == requests.size()) return this->writes_done();
    send_next();
  }
  void on_done() override { done = true; }

  size_t sent_ = 0;
};

using UnaryCall = InteropUnary<::grpc::testing::SimpleRequest, ::grpc::testing::SimpleResponse>;
using InputStream = InteropStream<::grpc::testing::StreamingInputCallRequest,
                                  ::grpc::testing::StreamingInputCallResponse>;
// Of StreamingOutputCall, FullDuplexCall and HalfDuplexCall.
using OutputStream = InteropStream<::grpc::testing::StreamingOutputCallRequest,
                                   ::grpc::testing::StreamingOutputCallResponse>;

}  // namespace saker::app
