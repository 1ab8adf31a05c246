#include "serve_services.h"

#include "crypto_metrics.h"
#include "saker/services/crypto/secrets.h"
#include "saker/services/echo/echo_service.h"

namespace saker::app {

Result<std::unique_ptr<ServeServices>> ServeServices::make(const ServeOptions& options) {
  auto services = std::unique_ptr<ServeServices>(new ServeServices(options));
  services->hardening_ = crypto::harden_process();  // before there are keys
  crypto::CryptoService::Options crypto;
  crypto.threads = options.crypto_threads != 0 ? options.crypto_threads : rpc::available_cpus();
  crypto.sources = options.crypto;
  crypto.max_stream_bytes = options.max_sign_stream_bytes;
  if (options.audit) {
    crypto.audit = {
        .path = *options.audit, .sync = options.audit_sync, .required = options.audit_required};
  }
  auto service = crypto::CryptoService::start(crypto);
  if (!service) return std::unexpected(service.error());
  services->crypto_ = *std::move(service);
  return services;
}

void ServeServices::register_on(rpc::Server& server) {
  echo::register_echo_service(server.dispatcher());
  crypto_->register_methods(server.dispatcher());
  health_.register_on(server.dispatcher());
  if (!options_.no_reflection) reflection_.register_on(server.dispatcher());  // the last
  for (const auto& method : server.dispatcher().methods()) {
    const std::string_view path = method->path();  // "/package.Service/Method"
    const std::string_view service = path.substr(1, path.rfind('/') - 1);
    health_.set_status(service, health::ServingStatus::kServing);
  }
}

Result<void> ServeServices::start(rpc::Server&, ServerLog& log) {
  for (const std::string& sentence : hardening_) log.warning(sentence);
  const auto state = crypto_->state();
  for (const std::string& remark : state->remarks) log.warning(remark);
  if (state->token != nullptr)
    state->token->set_report([&log](const std::string& what) { log.error(what); });
  crypto::AuditLog* const audit = crypto_->audit();
  if (audit == nullptr) return {};
  if (audit->torn_bytes() != 0)
    log.warning("audit log: a last record of " + std::to_string(audit->torn_bytes()) +
                " bytes was torn, and has been cut off");
  audit->set_report([&log](const std::string& what) { log.error(what); });
  return {};
}

void ServeServices::reload(ServerLog& log) {
  const crypto::Reloaded reloaded = crypto_->reload();
  for (const std::string& sentence : reloaded.done) log.info(sentence);
  for (const std::string& sentence : reloaded.failed) log.error(sentence);
}

std::vector<CollectMetrics> ServeServices::metrics() const {
  return {[this](MetricFamilies& out) { collect_crypto_metrics(*crypto_, out); }};
}

}  // namespace saker::app
