#include "saker/services/health/health_service.h"

#include <coroutine>

#include "grpc/health/v1/health.pb.h"
#include "saker/rpc/server_context.h"

namespace saker::health {
namespace {

namespace pb = ::grpc::health::v1;
using grpc::Status;
using grpc::StatusCode;
using rpc::ServerContext;
using rpc::Task;

class Change;

}  // namespace

// What wakes one Watch stream: posted to its loop when a status has changed. It belongs to the
// service and not to the stream, because a posted task must outlive its post: a stream that ends
// meanwhile only lets go of it.
class HealthService::Watcher final : public net::PostedTask {
 public:
  Watcher(HealthService& service, net::Loop& loop, std::string name)
      : service_(service), loop_(loop), name_(std::move(name)) {}

  void run() override;
  // True once after each change. This and wait() on the loop's thread.
  bool take_change() { return std::exchange(changed_, false); }
  void wait(Change* change) { waiter_ = change; }

 private:
  friend class HealthService;

  HealthService& service_;
  net::Loop& loop_;
  const std::string name_;
  bool changed_ = false;
  Change* waiter_ = nullptr;
  // Under the service's mutex:
  bool posted_ = false;
  bool released_ = false;
  std::list<Watcher>::iterator self_;
};

namespace {

// co_await: the next change of a watcher, or the end of the call.
class Change final : private net::Timer, private rpc::CancelWaiter {
 public:
  Change(HealthService::Watcher& watcher, ServerContext& context)
      : watcher_(watcher), context_(context) {}
  ~Change() { context_.loop().cancel(*this); }

  bool await_ready() { return context_.cancelled() || watcher_.take_change(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    watcher_.wait(this);
    context_.set_cancel_waiter(this);
  }
  // False: the call is over.
  bool await_resume() {
    watcher_.wait(nullptr);
    context_.set_cancel_waiter(nullptr);
    return !context_.cancelled();
  }
  void on_change() {
    (void)watcher_.take_change();
    waiter_.resume();
  }

 private:
  void on_timer(Time) override { waiter_.resume(); }
  // Inside an event of the connection, where nothing may be resumed: wakes by way of the timer.
  void on_cancelled() override { context_.loop().arm(*this, context_.loop().now()); }

  HealthService::Watcher& watcher_;
  ServerContext& context_;
  std::coroutine_handle<> waiter_;
};

pb::HealthCheckResponse::ServingStatus wire_status(std::optional<ServingStatus> status) {
  if (!status) return pb::HealthCheckResponse::SERVICE_UNKNOWN;
  return static_cast<pb::HealthCheckResponse::ServingStatus>(*status);
}

}  // namespace

void HealthService::Watcher::run() {
  {
    const std::lock_guard lock(service_.mutex_);
    posted_ = false;
    if (released_) {
      service_.watchers_.erase(self_);  // destroys this
      return;
    }
  }
  changed_ = true;
  if (waiter_ != nullptr) waiter_->on_change();  // the stream may end, and this with it
}

HealthService::HealthService() {
  statuses_.emplace("", ServingStatus::kServing);
}

HealthService::~HealthService() = default;

void HealthService::set_status(std::string_view service, ServingStatus status) {
  const std::lock_guard lock(mutex_);
  if (shut_down_) status = ServingStatus::kNotServing;
  const auto [at, is_new] = statuses_.emplace(service, status);
  if (!is_new && at->second == status) return;
  at->second = status;
  for (Watcher& watcher : watchers_) {
    if (watcher.name_ == service) notify(watcher);
  }
}

void HealthService::shut_down() {
  const std::lock_guard lock(mutex_);
  shut_down_ = true;
  for (auto& [name, status] : statuses_) status = ServingStatus::kNotServing;
  for (Watcher& watcher : watchers_) notify(watcher);
}

std::optional<ServingStatus> HealthService::status(std::string_view service) const {
  return snapshot(service).status;
}

HealthService::Snapshot HealthService::snapshot(std::string_view service) const {
  const std::lock_guard lock(mutex_);
  const auto at = statuses_.find(service);
  if (at == statuses_.end()) return {std::nullopt, shut_down_};
  return {at->second, shut_down_};
}

HealthService::Watcher& HealthService::add_watcher(net::Loop& loop, std::string service) {
  const std::lock_guard lock(mutex_);
  Watcher& watcher = watchers_.emplace_back(*this, loop, std::move(service));
  watcher.self_ = std::prev(watchers_.end());
  return watcher;
}

void HealthService::remove_watcher(Watcher& watcher) {
  const std::lock_guard lock(mutex_);
  watcher.released_ = true;
  if (!watcher.posted_) watchers_.erase(watcher.self_);
}

void HealthService::notify(Watcher& watcher) {
  if (watcher.posted_ || watcher.released_) return;
  watcher.posted_ = true;
  watcher.loop_.post(watcher);
}

namespace {

struct Check {
  HealthService* service;
  Status operator()(ServerContext&, pb::HealthCheckRequest& request,
                    pb::HealthCheckResponse& reply) const {
    const auto status = service->status(request.service());
    if (!status) return {StatusCode::kNotFound, "unknown service", {}};
    reply.set_status(wire_status(status));
    return {};
  }
};

}  // namespace

// Each status is sent once, and only the latest of several that came while
// the last one was being written.
struct HealthService::Watch {
  HealthService* service;
  Task<Status> operator()(ServerContext& context, pb::HealthCheckRequest& request,
                          rpc::Writer<pb::HealthCheckResponse>& replies) const {
    const Registration registration(*service, context.loop(), request.service());
    pb::HealthCheckResponse reply;
    bool first = true;
    for (;;) {
      const Snapshot now = service->snapshot(request.service());
      if (first || reply.status() != wire_status(now.status)) {
        first = false;
        reply.set_status(wire_status(now.status));
        if (!co_await replies.write(reply)) break;
      }
      if (now.shut_down) {
        co_return Status{StatusCode::kUnavailable, "the server is shutting down", {}};
      }
      if (!co_await Change(registration.watcher, context)) break;
    }
    co_return Status{};
  }

  struct Registration {
    Registration(HealthService& owner, net::Loop& loop, std::string name)
        : service(owner), watcher(owner.add_watcher(loop, std::move(name))) {}
    ~Registration() { service.remove_watcher(watcher); }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    HealthService& service;
    Watcher& watcher;
  };
};

void HealthService::register_on(rpc::Dispatcher& dispatcher) {
  dispatcher.add_unary<pb::HealthCheckRequest, pb::HealthCheckResponse>(
      "/grpc.health.v1.Health/Check", Check{this});
  dispatcher.add_server_streaming<pb::HealthCheckRequest, pb::HealthCheckResponse>(
      "/grpc.health.v1.Health/Watch", Watch{this});
}

}  // namespace saker::health
