#include "worker_service.h"

#include <functional>
#include <utility>

#include "saker/rpc/sleep.h"

namespace saker::app {
namespace {

using grpc::Status;
using grpc::StatusCode;
using ::grpc::testing::ClientArgs;
using ::grpc::testing::ClientStatus;
using ::grpc::testing::ServerArgs;
using ::grpc::testing::ServerStatus;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;

// How often what happens on other threads is looked at.
constexpr Duration kLook = std::chrono::milliseconds(1);

Status in_use() {
  return {StatusCode::kResourceExhausted, "this worker already runs a server or a client", {}};
}
Status no_setup() {
  return {StatusCode::kInvalidArgument, "the first message of the stream must be a setup", {}};
}
Status no_mark() {
  return {StatusCode::kInvalidArgument, "every message behind the setup must be a mark", {}};
}
Status cancelled() {
  return {StatusCode::kCancelled, "the driver has gone", {}};
}
Status unavailable(std::string why) {
  return {StatusCode::kUnavailable, std::move(why), {}};
}

// An exception that left the task stays one of the handler's.
Status status_of(std::optional<Status> result) {
  return result ? *std::move(result) : Status{StatusCode::kInternal, "a task threw", {}};
}

// Until done(); false: the call was cancelled before.
Task<bool> wait_until(ServerContext& context, std::function<bool()> done) {
  while (!done()) {
    const bool slept = co_await rpc::sleep_for(context, kLook);
    if (!slept) co_return false;
  }
  co_return true;
}

}  // namespace

// Takes the worker, if nobody else has it.
class WorkerService::Use {
 public:
  explicit Use(bool& in_use) : in_use_(in_use), taken_(!in_use) { in_use_ = true; }
  ~Use() {
    if (taken_) in_use_ = false;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  bool taken() const { return taken_; }

 private:
  bool& in_use_;
  const bool taken_;
};

Task<Status> WorkerService::run_server(ServerContext& context, Reader<ServerArgs>& requests,
                                       Writer<ServerStatus>& replies) {
  const Use use(in_use_);
  if (!use.taken()) co_return in_use();
  ServerArgs args;
  const bool read = co_await requests.read(args);
  if (!read || !args.has_setup()) co_return no_setup();
  if (options_.server_port != 0) args.mutable_setup()->set_port(options_.server_port);
  const auto plan = check_server_config(args.setup(), options_.means());
  if (!plan) co_return plan.error();
  auto server = WorkerServer::make(*plan, options_.host, options_.server_tls);
  if (!server) co_return unavailable(server.error().message);
  auto served = co_await serve_marks(requests, replies, **server);
  (*server)->stop();
  (void)co_await wait_until(context, [&] { return (*server)->has_ended(); });
  co_return status_of(std::move(served));
}

Task<Status> WorkerService::serve_marks(Reader<ServerArgs>& requests, Writer<ServerStatus>& replies,
                                        WorkerServer& server) const {
  ServerStatus status;
  ServerArgs args;
  server.fill(status, false);
  while (co_await replies.write(status) && co_await requests.read(args)) {
    if (!args.has_mark()) co_return no_mark();
    server.fill(status, args.mark().reset());
  }
  co_return Status{};
}

Task<Status> WorkerService::run_client(ServerContext& context, Reader<ClientArgs>& requests,
                                       Writer<ClientStatus>& replies) {
  const Use use(in_use_);
  if (!use.taken()) co_return in_use();
  ClientArgs args;
  const bool read = co_await requests.read(args);
  if (!read || !args.has_setup()) co_return no_setup();
  const auto plan = check_client_config(args.setup(), options_.means());
  if (!plan) co_return plan.error();
  auto client = make_client(*plan);
  if (!client) co_return unavailable(client.error().message);
  auto status = co_await connect(context, **client);
  if (status && status->ok()) status = co_await serve_marks(context, requests, replies, **client);
  (*client)->stop();
  (void)co_await wait_until(context, [&] { return (*client)->has_ended(); });
  co_return status_of(std::move(status));
}

Result<std::unique_ptr<WorkerClient>> WorkerService::make_client(const ClientPlan& plan) const {
  const bool use_ca = plan.tls && plan.tls->use_ca;
  return WorkerClient::make(plan, use_ca ? options_.test_ca : options_.system_ca,
                            options_.connect_timeout);
}

Task<Status> WorkerService::connect(ServerContext& context, const WorkerClient& client) const {
  const auto ready = co_await wait_until(context, [&] { return client.is_ready(); });
  if (!ready.value_or(false)) co_return cancelled();
  if (client.failure() != nullptr) co_return unavailable(*client.failure());
  co_return Status{};
}

Task<Status> WorkerService::serve_marks(ServerContext& context, Reader<ClientArgs>& requests,
                                        Writer<ClientStatus>& replies, WorkerClient& client) const {
  ClientStatus status;
  ClientArgs args;
  while (co_await replies.write(status) && co_await requests.read(args)) {
    if (!args.has_mark()) co_return no_mark();
    client.begin_mark(args.mark().reset());
    const auto marked = co_await wait_until(context, [&] { return client.is_marked(); });
    if (!marked.value_or(false)) co_return cancelled();
    client.fill(*status.mutable_stats());
  }
  co_return Status{};
}

Status WorkerService::core_count(ServerContext&, ::grpc::testing::CoreRequest&,
                                 ::grpc::testing::CoreResponse& response) const {
  response.set_cores(static_cast<int32_t>(options_.cores));
  return {};
}

// What comes afterwards finds the worker taken.
Status WorkerService::quit_worker(ServerContext&, ::grpc::testing::Void&, ::grpc::testing::Void&) {
  if (in_use_) return in_use();
  in_use_ = true;
  quit_();
  return {};
}

}  // namespace saker::app
