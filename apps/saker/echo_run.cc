#include "echo_run.h"

#include <algorithm>

#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {
namespace {

using echo::v1::EchoReply;
using echo::v1::EchoRequest;

constexpr uint32_t kOverheadBytes = 1024;  // of a reply beside its payload

const rpc::ClientMethod& echo_method() {
  static const rpc::ClientMethod method("/saker.echo.v1.Echo/Echo");
  return method;
}

const rpc::ClientMethod& stream_method() {
  static const rpc::ClientMethod method("/saker.echo.v1.Echo/EchoStream",
                                        rpc::MethodKind::kBidiStreaming);
  return method;
}

// The reply is as large as the request: what is sent may be received.
rpc::ChannelOptions channel_options(const EchoOptions& options) {
  rpc::ChannelOptions channel;
  channel.connect_eagerly = true;
  const size_t reply_bytes = options.payload.size() + kOverheadBytes;
  channel.max_receive_message_bytes =
      std::max(channel.max_receive_message_bytes, static_cast<uint32_t>(reply_bytes));
  channel.max_connection_memory_bytes =
      std::max(channel.max_connection_memory_bytes, 2 * reply_bytes);
  return channel;
}

// Until what ended the turn arrived; a call that ends where it was started has taken no time.
Duration time_since(Time sent, const net::Loop& loop) {
  return std::max(loop.now(), sent) - sent;
}

void fill_in(const EchoRequest& request, const EchoReply& reply, Duration total,
             EchoResult& result) {
  result.total = total;
  result.reply_bytes = reply.payload().size();
  result.server = Duration(static_cast<int64_t>(reply.processing_ns()));
  result.client_send_time_ns = reply.client_send_time_ns();
  result.server_receive_time_ns = reply.server_receive_time_ns();
  result.server_send_time_ns = reply.server_send_time_ns();
  result.wrong = reply.payload() != request.payload() || reply.sequence() != request.sequence();
}

class EchoStreamBase : public rpc::StreamingClientCall<EchoRequest, EchoReply>, private net::Timer {
 public:
  struct Plan {
    const EchoOptions& options;
    net::Loop& loop;
    std::function<void(EchoResult)> on_result;
  };
  void begin(Plan plan) {
    plan_ = std::make_unique<Plan>(std::move(plan));
    request_.set_payload(plan_->options.payload);
  }
  uint64_t answered() const { return answered_; }
  Time sent_at() const { return sent_at_; }

 private:
  void on_writable() override {
    if (sent_ == 0) send_next();
  }

  void send_next() {
    sent_at_ = plan_->loop.read_clock();
    request_.set_sequence(sent_++);
    request_.set_client_send_time_ns(static_cast<uint64_t>(plan_->loop.wall_ns(sent_at_)));
    (void)write(request_);  // false: the call is over, and on_done() says so
  }

  void on_reply(EchoReply& reply) override {
    EchoResult result;
    result.sequence = answered_++;
    result.peer = peer_name();
    fill_in(request_, reply, time_since(sent_at_, plan_->loop), result);
    plan_->on_result(std::move(result));
    if (answered_ == plan_->options.count) return writes_done();
    if (plan_->options.interval == Duration::zero()) return send_next();
    plan_->loop.arm(*this, time_after(sent_at_, plan_->options.interval));
  }
  void on_timer(Time) override { send_next(); }

  std::unique_ptr<Plan> plan_;
  EchoRequest request_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  Time sent_at_{};
};

}  // namespace

Result<std::unique_ptr<EchoRun>> EchoRun::make(const EchoOptions& options,
                                               std::function<void(const EchoResult&)> on_result) {
  rpc::ChannelOptions channel = channel_options(options);
  if (auto used = use_target_tls(options.target, channel); !used) {
    return std::unexpected(used.error());
  }
  auto client = rpc::BlockingClient::create(options.target.address, channel);
  if (!client) return std::unexpected(client.error());
  return std::unique_ptr<EchoRun>(new EchoRun(options, *std::move(client), std::move(on_result)));
}

EchoRun::EchoRun(const EchoOptions& options, std::unique_ptr<rpc::BlockingClient> client,
                 std::function<void(const EchoResult&)> on_result)
    : options_(options),
      on_result_(std::move(on_result)),
      client_(std::move(client)),
      cancel_task_(*this) {}

void EchoRun::interrupt() {
  interrupted_ = true;
  client_->loop().post(cancel_task_);
}

void EchoRun::CancelTask::run() {
  if (run_of.current_ != nullptr) run_of.current_->cancel();
}

void EchoRun::run() {
  connect();
  if (options_.stream) return run_stream();
  for (uint64_t sequence = 0; sequence < options_.count && !interrupted_; ++sequence) {
    if (sequence != 0) pause();
    run_call(sequence);
  }
}

void EchoRun::add(EchoResult result) {
  on_result_(result);
  results_.push_back(std::move(result));
}

// Until there is a connection, or none is to be had; then the first call says why.
void EchoRun::connect() {
  net::Loop& loop = client_->loop();
  if (options_.deadline != Duration::zero()) {
    deadline_ = time_after(loop.read_clock(), options_.deadline);
  }
  const rpc::Channel& channel = client_->channel();
  while (channel.ready_connections() == 0 && loop.read_clock() < deadline_ && !interrupted_) {
    if (!options_.wait_for_ready && !channel.last_error().empty()) return;
    loop.run_once(deadline_);
  }
}

void EchoRun::pause() {
  net::Loop& loop = client_->loop();
  const Time until = time_after(loop.read_clock(), options_.interval);
  while (loop.read_clock() < until && !interrupted_) loop.run_once(until);
  deadline_ = options_.deadline == Duration::zero()
                  ? kNever
                  : time_after(loop.read_clock(), options_.deadline);
}

void EchoRun::drive(rpc::ClientCall& call, rpc::BlockingClient::Waiter& waiter,
                    const rpc::ClientMethod& method) {
  rpc::BlockingContext context;
  if (deadline_ != kNever) context.timeout = deadline_ - client_->loop().read_clock();
  context.wait_for_ready = options_.wait_for_ready;
  context.metadata = options_.metadata;
  context.compression = options_.compression;
  current_ = &call;
  client_->run(call, waiter, method, context);
  current_ = nullptr;
}

void EchoRun::run_call(uint64_t sequence) {
  if (interrupted_) return;
  net::Loop& loop = client_->loop();
  rpc::BlockingClient::Waiting<rpc::UnaryClientCall<EchoRequest, EchoReply>> call;
  const Time sent = loop.read_clock();
  call.request().set_payload(options_.payload);
  call.request().set_sequence(sequence);
  call.request().set_client_send_time_ns(static_cast<uint64_t>(loop.wall_ns(sent)));
  drive(call, call.waiter, echo_method());
  if (interrupted_ && call.status().code == grpc::StatusCode::kCancelled) return;
  EchoResult result;
  result.sequence = sequence;
  result.status = call.status();
  result.peer = call.peer_name();
  result.total = time_since(sent, loop);
  if (result.status.ok()) fill_in(call.request(), call.reply(), result.total, result);
  add(std::move(result));
}

void EchoRun::run_stream() {
  if (interrupted_) return;
  net::Loop& loop = client_->loop();
  rpc::BlockingClient::Waiting<EchoStreamBase> call;
  call.begin({options_, loop, [this](EchoResult result) { add(std::move(result)); }});
  const Time started = loop.read_clock();
  drive(call, call.waiter, stream_method());
  if (interrupted_ && call.status().code == grpc::StatusCode::kCancelled) return;
  if (call.status().ok() && call.answered() == options_.count) return;
  EchoResult result;
  result.sequence = call.answered();
  result.status = call.status();
  if (result.status.ok()) {
    result.status = {grpc::StatusCode::kInternal, "the server ended the stream early", {}};
  }
  result.peer = call.peer_name();
  result.total = time_since(std::max(started, call.sent_at()), loop);
  add(std::move(result));
}

}  // namespace saker::app
