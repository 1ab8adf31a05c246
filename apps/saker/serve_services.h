// ServeServices: what a `saker serve` offers: Echo, Crypto, Health, Reflection, and whatever else joins the
// server. A service that brings keys, threads or an endpoint of its own has its place here: checked
// and made in make(), registered in register_on(), started in start(), told in drain().
#pragma once

#include <memory>
#include <vector>

#include "metrics.h"
#include "saker/base/result.h"
#include "saker/rpc/server.h"
#include "saker/services/crypto/crypto_service.h"
#include "saker/services/health/health_service.h"
#include "saker/services/reflection/reflection_service.h"
#include "serve_options.h"
#include "server_log.h"

namespace saker::app {

class ServeServices {
 public:
  // What the configuration asks for and cannot be had is an error, before anything listens.
  static Result<std::unique_ptr<ServeServices>> make(const ServeOptions& options);

  // Before Server::prepare(). Outlives the server.
  void register_on(rpc::Server& server);
  // The server runs.
  Result<void> start(rpc::Server& server, ServerLog& log);
  // Of services that have metrics of their own.
  std::vector<CollectMetrics> metrics() const;
  // SIGHUP: what can be read again while the server runs; what came of it is logged. Any thread,
  // one call at a time.
  void reload(ServerLog& log);
  // The server is about to drain. Any thread.
  void drain() { health_.shut_down(); }
  // The loops have ended: no job may come back to them. Before the server's end.
  void stop() { crypto_->stop(); }

 private:
  explicit ServeServices(const ServeOptions& options) : options_(options) {}

  const ServeOptions& options_;
  health::HealthService health_;
  reflection::ReflectionService reflection_;
  std::vector<std::string> hardening_;  // what could not be had of it
  std::unique_ptr<crypto::CryptoService> crypto_;
};

}  // namespace saker::app
