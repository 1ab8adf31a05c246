#include "call_run.h"

#include <iostream>

#include "crypto_request.h"
#include "failed_status.h"
#include "printable.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {
namespace {

bool is_single(const pb::MethodDescriptor& method) {
  return !method.client_streaming();
}

// A unary method is on the wire what a client-streaming one with one message is.
rpc::MethodKind kind_of(const pb::MethodDescriptor& method) {
  return method.server_streaming() ? rpc::MethodKind::kBidiStreaming
                                   : rpc::MethodKind::kClientStreaming;
}

std::string path_of(const pb::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

void show_metadata(const char* prefix, const grpc::Metadata& metadata) {
  metadata.each([&](std::string_view name, std::string_view value) {
    std::cerr << prefix << name << ": "
              << (grpc::is_binary_name(name) ? to_base64(value) : printable(value)) << '\n';
  });
}

}  // namespace

// Only gathers: what is done about replies may ask the server, which no event may.
class CallRun::Call final : public rpc::StreamingClientCall<rpc::RawMessage, rpc::RawMessage> {
 public:
  std::deque<std::string> replies;
  bool done = false;

 private:
  void on_reply(rpc::RawMessage& reply) override { replies.push_back(std::move(reply.bytes)); }
  void on_writable() override {}  // the turn's end looks at what waits
  void on_done() override { done = true; }
};

CallRun::CallRun(ClientSession& session, Schema& schema, const CallPlan& plan)
    : session_(session),
      schema_(schema),
      plan_(plan),
      coder_(schema, plan.format),
      input_(plan.source, *plan.method.input_type(), coder_,
             MessageSplitter(plan.format.format, !is_single(plan.method))) {}

int CallRun::run() {
  if (auto opened = input_.open(session_.loop()); !opened)
    return fail_usage(opened.error().message);
  if (is_single(plan_.method)) {
    if (auto read = read_single_request(); !read) return fail_usage(read.error().message);
    if (session_.interrupted()) return kExitInterrupted;
  }
  const rpc::ClientMethod method(path_of(plan_.method), kind_of(plan_.method));
  if (plan_.verbose) {
    std::cerr << "> " << method.path() << '\n';
    show_metadata("> ", session_.options().metadata);
  }
  Call call;
  call.start(session_.channel(), method, session_.call_options());
  while (!call.done) {
    send_waiting(call);
    session_.loop().run_once(kNever);
    if (session_.interrupted()) call.cancel();
    print_waiting(call);
  }
  print_waiting(call);
  return report(call);
}

// Where nothing is given, the message is empty.
Result<void> CallRun::read_single_request() {
  if (auto gathered = input_.gather(session_); !gathered) return gathered;
  if (input_.messages().size() > 1) {
    return fail(plan_.source.name + ": " + std::to_string(input_.messages().size()) +
                " messages, and " + plan_.method.full_name() + " takes one");
  }
  if (input_.messages().empty()) input_.messages().emplace_back();
  return {};
}

void CallRun::send_waiting(Call& call) {
  if (input_error_.empty()) {
    if (auto advanced = input_.advance(); !advanced) {
      input_error_ = advanced.error().message;
      return call.cancel();
    }
  }
  while (call.writable()) {
    const bool last = input_.at_end() && input_.messages().size() <= 1;
    if (input_.messages().empty()) {
      if (last) call.writes_done();
      return;
    }
    if (call.write(rpc::RawMessage(std::move(input_.messages().front())), last)) ++sent_;
    input_.messages().pop_front();
    if (!input_.advance()) return;  // said the next time
  }
}

// ---- what comes back

void CallRun::print_waiting(Call& call) {
  if (plan_.verbose && !head_shown_ && (call.done || !call.replies.empty())) {
    head_shown_ = true;
    if (!call.peer_name().empty()) std::cerr << "* " << call.peer_name() << '\n';
    show_metadata("< ", call.initial_metadata());
  }
  if (call.replies.empty()) return;
  for (; !call.replies.empty(); call.replies.pop_front()) print_reply(call.replies.front());
  std::cout << std::flush;
}

void CallRun::print_reply(const std::string& bytes) {
  const pb::Descriptor& type = *plan_.method.output_type();
  if (plan_.format.format == DataFormat::kText && received_ > 0) std::cout << kTextSeparator;
  if (plan_.format.format == DataFormat::kBinary && plan_.method.server_streaming()) {
    std::cout << encode_length(bytes.size());
  }
  ++received_;
  auto text = coder_.decode(type, bytes);
  if (text) {
    std::cout << *text;
    return;
  }
  garbled_ = true;
  std::cerr << "saker: reply " << received_ << " as " << type.full_name() << ": "
            << text.error().message << "; base64 " << to_base64(bytes) << '\n';
}

int CallRun::report(const Call& call) {
  if (plan_.verbose) {
    show_metadata("< ", call.trailing_metadata());
    std::cerr << "* " << grpc::status_code_name(call.status().code) << "; messages sent " << sent_
              << ", received " << received_ << '\n';
  }
  if (!input_error_.empty()) {
    (void)fail_usage(input_error_);
    return sent_ == 0 ? kExitUsage : kExitFailed;
  }
  if (session_.interrupted()) return kExitInterrupted;
  if (!call.status().ok()) std::cerr << format_failure(call.status(), schema_) << std::flush;
  if (call.status().ok() && garbled_) return kExitFailed;
  return exit_code_of(call.status());
}

}  // namespace saker::app
