#include "serve_services.h"

#include "saker/services/echo/echo_service.h"

namespace saker::app {

Result<std::unique_ptr<ServeServices>> ServeServices::make(const ServeOptions& options) {
  return std::unique_ptr<ServeServices>(new ServeServices(options));
}

void ServeServices::register_on(rpc::Server& server) {
  echo::register_echo_service(server.dispatcher());
  health_.register_on(server.dispatcher());
  for (const auto& method : server.dispatcher().methods()) {
    const std::string_view path = method->path();  // "/package.Service/Method"
    const std::string_view service = path.substr(1, path.rfind('/') - 1);
    health_.set_status(service, health::ServingStatus::kServing);
  }
}

Result<void> ServeServices::start(rpc::Server&, ServerLog&) {
  return {};
}

}  // namespace saker::app
