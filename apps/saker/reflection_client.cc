#include "reflection_client.h"

#include <utility>

#include "saker/base/quantity.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {
namespace {

using grpc::StatusCode;

constexpr Duration kAnswerTime = std::chrono::seconds(10);  // where the user sets no deadline

}  // namespace

class ReflectionClient::Stream final
    : public rpc::StreamingClientCall<ReflectionRequest, ReflectionResponse> {
 public:
  void ask(const ReflectionRequest& request) {
    request_ = request;
    answered_ = false;
    waits_ = true;
    if (writable()) on_writable();
  }
  bool answered() const { return answered_; }
  bool has_answered_before() const { return answers_ > 0; }
  ReflectionResponse& response() { return response_; }

 private:
  void on_writable() override {
    if (std::exchange(waits_, false)) (void)write(request_);  // false: on_done() follows
  }
  void on_reply(ReflectionResponse& reply) override {
    response_ = std::move(reply);
    answered_ = true;
    ++answers_;
  }
  void on_done() override {}

  ReflectionRequest request_;
  ReflectionResponse response_;
  bool waits_ = false;  // to be written
  bool answered_ = false;
  uint64_t answers_ = 0;
};

ReflectionClient::ReflectionClient(ClientSession& session) : session_(session) {}
ReflectionClient::~ReflectionClient() = default;

const rpc::ClientMethod& ReflectionClient::method() const {
  static const rpc::ClientMethod v1("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                    rpc::MethodKind::kBidiStreaming);
  static const rpc::ClientMethod v1alpha(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      rpc::MethodKind::kBidiStreaming);
  return is_v1alpha_ ? v1alpha : v1;
}

Time ReflectionClient::answer_due() const {
  const ClientOptions& options = session_.options();
  const Time now = session_.loop().read_clock();
  if (options.deadline != Duration::zero()) return time_after(now, options.deadline);
  return options.wait_for_ready ? kNever : time_after(now, kAnswerTime);
}

// A server may end a stream that is old; another one then answers. The second version is asked for
// where the first is not known.
Result<ReflectionResponse> ReflectionClient::ask(const ReflectionRequest& request) {
  for (;;) {
    const bool is_old = stream_ != nullptr && stream_->has_answered_before();
    if (ask_once(request)) return std::move(stream_->response());
    stream_.reset();
    if (session_.interrupted()) break;
    if (status_.code == StatusCode::kUnimplemented && !is_v1alpha_) {
      is_v1alpha_ = true;
    } else if (!is_old) {
      break;
    }
  }
  const std::string target = session_.channel().target_name();
  if (status_.code == StatusCode::kUnimplemented) {
    return fail(target + " has no server reflection: use --proto or --protoset");
  }
  return fail("asking " + target + " by server reflection: " +
              std::string(grpc::status_code_name(status_.code)) + ": " + status_.message);
}

bool ReflectionClient::ask_once(const ReflectionRequest& request) {
  const Time due = answer_due();
  if (stream_ == nullptr || !stream_->active()) {
    stream_ = std::make_unique<Stream>();
    rpc::CallOptions options = session_.call_options();
    options.deadline = kNever;  // the stream's; each answer has its own
    stream_->start(session_.channel(), method(), options);
  }
  stream_->ask(request);
  session_.run_until([this] { return stream_->answered() || !stream_->active(); }, due);
  if (stream_->answered()) return true;
  if (session_.interrupted()) {
    status_ = {StatusCode::kCancelled, "interrupted", {}};
  } else if (stream_->active()) {
    status_ = {StatusCode::kDeadlineExceeded, "no answer within the deadline", {}};
  } else {
    status_ = stream_->status();
    if (status_.ok()) status_ = {StatusCode::kInternal, "the stream ended without an answer", {}};
  }
  return false;
}

void ReflectionClient::close() {
  if (stream_ == nullptr || !stream_->active()) return;
  stream_->writes_done();
  session_.run_until([this] { return !stream_->active(); }, answer_due());
  stream_.reset();
}

}  // namespace saker::app
