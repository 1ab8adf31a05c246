#include "saker/rpc/service_config.h"

namespace saker::rpc {

std::optional<Balancing> parse_balancing(std::string_view name) {
  if (name == "pick_first") return Balancing::kPickFirst;
  if (name == "round_robin") return Balancing::kRoundRobin;
  if (name == "least_outstanding") return Balancing::kLeastOutstanding;
  // gRFC A48 samples two backends where this looks at all of them.
  if (name == "least_request_experimental" || name == "least_request") {
    return Balancing::kLeastOutstanding;
  }
  return std::nullopt;
}

std::string_view balancing_name(Balancing balancing) {
  switch (balancing) {
    case Balancing::kDefault:
      return "default";
    case Balancing::kPickFirst:
      return "pick_first";
    case Balancing::kRoundRobin:
      return "round_robin";
    case Balancing::kLeastOutstanding:
      return "least_outstanding";
  }
  return "default";
}

bool ServiceConfig::add(std::string_view service, std::string_view method,
                        const MethodConfig& config) {
  std::string key(service);
  key.append("/").append(method);
  return by_name_.emplace(std::move(key), config).second;
}

const MethodConfig* ServiceConfig::find(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  const size_t slash = path.find('/');
  const std::string_view service = path.substr(0, slash == path.npos ? 0 : slash + 1);
  for (const std::string_view key : {path, service, std::string_view("/")}) {
    if (const auto at = by_name_.find(key); at != by_name_.end()) return &at->second;
  }
  return nullptr;
}

}  // namespace saker::rpc
