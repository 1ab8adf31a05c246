#include "saker_client_call.h"

#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::interop {
namespace {

rpc::MethodKind kind_of(const v1::Call& spec) {
  switch (spec.kind()) {
    case v1::CLIENT_STREAMING:
      return rpc::MethodKind::kClientStreaming;
    case v1::SERVER_STREAMING:
      return rpc::MethodKind::kServerStreaming;
    case v1::BIDI_STREAMING:
      return rpc::MethodKind::kBidiStreaming;
    default:
      return rpc::MethodKind::kUnary;
  }
}

void from_bytes(const std::string& bytes, rpc::RawMessage& message) {
  message.bytes = bytes;
}
void from_bytes(const std::string& bytes, google::protobuf::MessageLite& message) {
  message.ParseFromString(bytes);
}
std::string to_bytes(rpc::RawMessage& message) {
  return std::move(message.bytes);
}
std::string to_bytes(google::protobuf::MessageLite& message) {
  return message.SerializeAsString();
}

void add_headers(const grpc::Metadata& metadata,
                 google::protobuf::RepeatedPtrField<v1::Header>& headers) {
  metadata.each([&](std::string_view name, std::string_view value) {
    v1::Header& header = *headers.Add();
    header.set_name(std::string(name));
    header.set_value(std::string(value));
  });
}

template <typename Request, typename Reply>
class DrivenUnary final : public DrivenCall, private rpc::UnaryClientCall<Request, Reply> {
 public:
  DrivenUnary(const v1::Call& spec, Done done) : DrivenCall(spec, std::move(done)) {}
  void cancel() override { Base::cancel(); }

 private:
  using Base = rpc::UnaryClientCall<Request, Reply>;

  void start_call(rpc::Channel& channel, const rpc::ClientMethod& method,
                  const rpc::CallOptions& options) override {
    if (const std::string* request = next_request()) from_bytes(*request, this->request());
    Base::start(channel, method, options);
  }
  void on_done() override {
    if (this->status().ok()) add_reply(to_bytes(this->reply()), this->reply_was_compressed());
    finish(*this);
  }
};

template <typename Request, typename Reply>
class DrivenStream final : public DrivenCall,
                           private rpc::StreamingClientCall<Request, Reply>,
                           private net::Timer {
 public:
  DrivenStream(const v1::Call& spec, Done done) : DrivenCall(spec, std::move(done)) {}
  void cancel() override { Base::cancel(); }

 private:
  using Base = rpc::StreamingClientCall<Request, Reply>;

  void start_call(rpc::Channel& channel, const rpc::ClientMethod& method,
                  const rpc::CallOptions& options) override {
    loop_ = &channel.loop();
    Base::start(channel, method, options);
  }
  void on_writable() override {
    while (this->writable() && (!spec_.lockstep() || sent_ == outcome_.reply_count())) {
      const std::string* bytes = next_request();
      if (bytes == nullptr) return this->writes_done();
      Request request;
      from_bytes(*bytes, request);
      this->write(request);
    }
  }
  void on_reply(Reply& reply) override {
    add_reply(to_bytes(reply), this->reply_was_compressed());
    if (outcome_.reply_count() == spec_.cancel_after_replies()) return Base::cancel();
    if (outcome_.reply_count() == 1 && spec_.pause_ms() != 0) {
      this->pause(true);
      loop_->arm(*this, loop_->now() + std::chrono::milliseconds(spec_.pause_ms()));
    }
    if (spec_.lockstep()) on_writable();
  }
  void on_timer(Time) override { this->pause(false); }
  void on_done() override { finish(*this); }

  net::Loop* loop_ = nullptr;
};

template <typename Request, typename Reply>
std::unique_ptr<DrivenCall> make_call(const v1::Call& spec, DrivenCall::Done done) {
  if (spec.kind() == v1::UNARY) {
    return std::make_unique<DrivenUnary<Request, Reply>>(spec, std::move(done));
  }
  return std::make_unique<DrivenStream<Request, Reply>>(spec, std::move(done));
}

}  // namespace

std::unique_ptr<DrivenCall> DrivenCall::make(const v1::Call& spec, Done done) {
  if (!spec.path().starts_with("/saker.echo.v1.Echo/")) {
    return make_call<rpc::RawMessage, rpc::RawMessage>(spec, std::move(done));
  }
  if (spec.kind() == v1::CLIENT_STREAMING) {
    return make_call<echo::v1::EchoRequest, echo::v1::EchoCollectReply>(spec, std::move(done));
  }
  return make_call<echo::v1::EchoRequest, echo::v1::EchoReply>(spec, std::move(done));
}

DrivenCall::DrivenCall(const v1::Call& spec, Done done)
    : spec_(spec),
      done_(std::move(done)),
      method_(spec.path(), kind_of(spec)),
      requests_(static_cast<uint64_t>(spec.requests_size()) * std::max(spec.repeat(), 1u)) {
  outcome_.set_id(spec.id());
}

void DrivenCall::start(rpc::Channel& channel) {
  loop_ = &channel.loop();
  started_at_ = loop_->read_clock();
  for (const v1::Header& header : spec_.metadata()) {
    if (metadata_.add(header.name(), header.value()) != grpc::AddResult::kOk) {
      outcome_.set_message("bad metadata in the command");
    }
  }
  rpc::CallOptions options;
  options.wait_for_ready = spec_.wait_for_ready();
  options.metadata = &metadata_;
  options.compression = static_cast<grpc::Compression>(spec_.compression());  // the same numbers
  if (spec_.timeout_ms() != 0) {
    options.deadline = started_at_ + std::chrono::milliseconds(spec_.timeout_ms());
  }
  start_call(channel, method_, options);
}

const std::string* DrivenCall::next_request() {
  if (sent_ == requests_) return nullptr;
  return &spec_.requests(static_cast<int>(sent_++ % static_cast<uint64_t>(spec_.requests_size())));
}

void DrivenCall::add_reply(std::string bytes, bool was_compressed) {
  if (was_compressed) outcome_.set_compressed_replies(outcome_.compressed_replies() + 1);
  outcome_.set_reply_count(outcome_.reply_count() + 1);
  outcome_.set_reply_bytes(outcome_.reply_bytes() + bytes.size());
  if (!spec_.count_only()) outcome_.add_replies(std::move(bytes));
}

void DrivenCall::finish(const rpc::ClientCall& call) {
  const Duration took = loop_->read_clock() - started_at_;
  outcome_.set_duration_ms(
      static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  outcome_.set_code(static_cast<uint32_t>(call.status().code));
  outcome_.set_message(call.status().message);
  outcome_.set_details(call.status().details_bin);
  add_headers(call.initial_metadata(), *outcome_.mutable_initial_metadata());
  add_headers(call.trailing_metadata(), *outcome_.mutable_trailing_metadata());
  done_(*this);
}

}  // namespace saker::interop
