// HealthService: grpc.health.v1.Health, Check and Watch (grpc/doc/health-checking.md): what load
// balancers, Kubernetes and every language's stock client ask before they send calls. Holds the
// status of each service by name and "" for the server as a whole; decides nothing itself.
// Thread rule: set_status() and shut_down() from any thread. The service must be registered before
// the server runs and outlive it.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "saker/rpc/dispatcher.h"

namespace saker::health {

// The numbers of HealthCheckResponse.ServingStatus.
enum class ServingStatus : uint8_t { kUnknown = 0, kServing = 1, kNotServing = 2 };

class HealthService {
 public:
  HealthService();
  ~HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  void register_on(rpc::Dispatcher& dispatcher);

  // `service`: "package.Service", or "" for the server;
  // a new name becomes known. Watchers are told.
  void set_status(std::string_view service, ServingStatus status);
  // Everything is NOT_SERVING from now on, whatever set_status() says; Watch streams are told so
  // and then end with UNAVAILABLE, because a drain waits for every stream.
  void shut_down();

  // Nothing: the name is not known.
  std::optional<ServingStatus> status(std::string_view service) const;

  class Watcher;

 private:
  friend class Watcher;
  struct Watch;
  struct Snapshot {
    std::optional<ServingStatus> status;
    bool shut_down = false;
  };

  Snapshot snapshot(std::string_view service) const;
  Watcher& add_watcher(net::Loop& loop, std::string service);
  void remove_watcher(Watcher& watcher);
  static void notify(Watcher& watcher);  // the mutex is held

  mutable std::mutex mutex_;
  std::map<std::string, ServingStatus, std::less<>> statuses_;
  std::list<Watcher> watchers_;
  bool shut_down_ = false;
};

}  // namespace saker::health
