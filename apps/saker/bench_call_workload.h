// CallWorkload: a method of any server under load, its requests encoded once, or for each call
// where they are templates. A reply counts as right when its status is OK and, if asked for, when it
// parses as the method's reply or is the same as the first one to the same request.
#pragma once

#include <google/protobuf/dynamic_message.h>

#include <google/protobuf/util/type_resolver.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "request_template.h"
#include "saker/base/result.h"
#include "saker/rpc/client_method.h"
#include "saker/rpc/codec.h"

namespace saker::app {

enum class ReplyCheck : uint8_t { kStatus, kParse, kSame };

struct CallLoad {
  std::string path;
  rpc::MethodKind kind = rpc::MethodKind::kUnary;
  std::vector<std::string> requests;       // one at least; they take turns
  std::vector<RequestTemplate> templates;  // none, or of each request; constant where it is none
  uint64_t seed = 0;                       // of what stands in their places
  ReplyCheck check = ReplyCheck::kStatus;
  // Of a schema that is sealed and outlives the run.
  const google::protobuf::Descriptor* request_type = nullptr;
  const google::protobuf::Descriptor* reply_type = nullptr;
};

// A message as bytes, and which of the load's it is.
struct NumberedRequest : rpc::RawMessage {
  size_t number = SIZE_MAX;  // none yet
  std::string text;          // of a template
  bool fits = true;          // the text is a message of the type
};

class CallWorkload {
 public:
  using Request = NumberedRequest;
  using Reply = rpc::RawMessage;

  explicit CallWorkload(CallLoad load);

  const rpc::ClientMethod& method() const { return method_; }
  void begin(Request&) const {}
  void prepare(Request& request, uint64_t sequence, int64_t) const {
    const size_t number = sequence % load_.requests.size();
    if (!load_.templates.empty() && !load_.templates[number].is_constant()) {
      return fill(request, number, sequence);
    }
    if (request.number == number) return;
    request.bytes = load_.requests[number];
    request.number = number;
  }

  // One thread's.
  class Checker {
   public:
    explicit Checker(const CallWorkload& workload);
    const char* check(const Request& request, const Reply& reply);

   protected:
    // The reply of that number to one request.
    const char* check_at(const Request& request, const Reply& reply, uint64_t number);
    // Whatever other replies are like.
    const char* check_alone(const Request& request, const Reply& reply);

   private:
    const char* check_same(const Request& request, const Reply& reply);

    const CallLoad& load_;
    std::vector<std::optional<std::string>> first_;  // replies, by request
    std::vector<std::vector<size_t>> first_hashes_;  // of a stream's, by request and number
    google::protobuf::DynamicMessageFactory messages_;
    std::unique_ptr<google::protobuf::Message> parsed_;
  };

 private:
  void fill(Request& request, size_t number, uint64_t sequence) const;

  const CallLoad load_;
  const rpc::ClientMethod method_;
  // Keeps nothing: any thread. Null without templates.
  const std::shared_ptr<google::protobuf::util::TypeResolver> types_;
};

}  // namespace saker::app

namespace saker::rpc {

template <>
struct Codec<app::NumberedRequest> : Codec<RawMessage> {
  static void lend_chunks(LentMessage<app::NumberedRequest>& message, ChunkQueue& out) {
    out.append(message.lend(out.pool(), as_bytes(message.value.bytes)));
  }
};

}  // namespace saker::rpc
