#include "grpc_client_call.h"

#include <mutex>
#include <thread>

namespace interop {
namespace {

using std::chrono::milliseconds;

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

void add_headers(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                 google::protobuf::RepeatedPtrField<v1::Header>& headers) {
  for (const auto& [name, value] : metadata) {
    v1::Header& header = *headers.Add();
    header.set_name(std::string(name.data(), name.size()));
    header.set_value(std::string(value.data(), value.size()));
  }
}

class DrivenUnary final : public DrivenCall {
 public:
  DrivenUnary(const v1::Call& spec, Done done) : DrivenCall(spec, std::move(done)) {}
  void start(grpc::GenericStub& stub) override {
    request_ = next_request();
    stub.UnaryCall(&context_, spec_.path(), {}, &request_, &reply_,
                   [self = shared_from_this(), this](const grpc::Status& status) {
                     if (status.ok()) add_reply(reply_);
                     finish(status);
                   });
  }

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer reply_;
};

// Every streaming kind: they differ in nothing that a generic client could see.
class DrivenStream final : public DrivenCall,
                           private grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  DrivenStream(const v1::Call& spec, Done done) : DrivenCall(spec, std::move(done)) {}
  void start(grpc::GenericStub& stub) override {
    self_ = shared_from_this();
    stub.PrepareBidiStreamingCall(&context_, spec_.path(), {}, this);
    StartRead(&reply_);
    // Before StartCall(): everything else is started from within reactions, hence needs no hold.
    write_next();
    StartCall();
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    add_reply(reply_);
    reply_.Clear();
    const uint32_t count = outcome_.reply_count();
    if (count == spec_.cancel_after_replies()) cancel();
    if (count == 1) std::this_thread::sleep_for(milliseconds(spec_.pause_ms()));
    {
      const std::lock_guard lock(mutex_);
      replies_seen_ = count;
    }
    write_next();
    StartRead(&reply_);
  }
  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      closed_ = closed_ || !ok;
    }
    write_next();
  }
  void OnDone(const grpc::Status& status) override {
    finish(status);
    self_.reset();
  }

  void write_next() {
    bool done = false;
    {
      const std::lock_guard lock(mutex_);
      if (writing_ || closed_) return;
      if (spec_.lockstep() && replies_seen_ < sent_) return;
      done = closed_ = !has_request();
      writing_ = !done;
    }
    if (done) return StartWritesDone();
    request_ = next_request();
    StartWrite(&request_);
  }

  std::mutex mutex_;  // reads and writes react on different threads
  bool writing_ = false;
  bool closed_ = false;
  uint64_t replies_seen_ = 0;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer reply_;
  std::shared_ptr<DrivenCall> self_;
};

}  // namespace

std::shared_ptr<DrivenCall> DrivenCall::make(const v1::Call& spec, Done done) {
  if (spec.kind() == v1::UNARY) return std::make_shared<DrivenUnary>(spec, std::move(done));
  return std::make_shared<DrivenStream>(spec, std::move(done));
}

DrivenCall::DrivenCall(const v1::Call& spec, Done done)
    : spec_(spec),
      done_(std::move(done)),
      requests_(static_cast<uint64_t>(spec.requests_size()) * std::max(spec.repeat(), 1u)),
      started_at_(std::chrono::steady_clock::now()) {
  outcome_.set_id(spec.id());
  for (const v1::Header& header : spec.metadata()) {
    context_.AddMetadata(header.name(), header.value());
  }
  if (spec.timeout_ms() != 0) {
    context_.set_deadline(std::chrono::system_clock::now() + milliseconds(spec.timeout_ms()));
  }
  context_.set_wait_for_ready(spec.wait_for_ready());
  // The enumerations have the same numbers.
  context_.set_compression_algorithm(static_cast<grpc_compression_algorithm>(spec.compression()));
}

grpc::ByteBuffer DrivenCall::next_request() {
  const auto index = sent_++ % static_cast<uint64_t>(spec_.requests_size());
  const grpc::Slice slice(spec_.requests(static_cast<int>(index)));
  return grpc::ByteBuffer(&slice, 1);
}

void DrivenCall::add_reply(const grpc::ByteBuffer& buffer) {
  outcome_.set_reply_count(outcome_.reply_count() + 1);
  outcome_.set_reply_bytes(outcome_.reply_bytes() + buffer.Length());
  if (!spec_.count_only()) outcome_.add_replies(to_string(buffer));
}

void DrivenCall::finish(const grpc::Status& status) {
  const auto took = std::chrono::steady_clock::now() - started_at_;
  outcome_.set_duration_ms(
      static_cast<uint32_t>(std::chrono::duration_cast<milliseconds>(took).count()));
  outcome_.set_code(static_cast<uint32_t>(status.error_code()));
  outcome_.set_message(status.error_message());
  outcome_.set_details(status.error_details());
  add_headers(context_.GetServerInitialMetadata(), *outcome_.mutable_initial_metadata());
  add_headers(context_.GetServerTrailingMetadata(), *outcome_.mutable_trailing_metadata());
  done_(outcome_);
}

}  // namespace interop
