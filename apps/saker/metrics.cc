#include "metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "metric_families.h"
#include "saker/net/listen_socket.h"

namespace saker::app {
namespace {

// limit: connections served at once; others wait.
constexpr const char* kHttpThreads = "2";
// limit: a peer that sends no request holds one of those threads no longer.
constexpr const char* kRequestTimeoutMs = "5000";

// Looks names up and asks for the address, so that an error says what is wrong: the HTTP library
// does not. Gives back the address as numbers, port 0 still open. Between this and the library's
// own bind() another process may take the port, which start() then reports with less detail.
Result<net::Address> resolve(const net::Address& address) {
  auto probe = net::open_listen_socket(address, net::ListenOptions());
  if (!probe) return std::unexpected(probe.error());
  net::Address numeric = probe->address;
  numeric.port = address.port;
  return numeric;
}

// In the words of civetweb's option listening_ports; "+" stands for both protocols.
std::string listening_ports(const net::Address& address) {
  const std::string port = std::to_string(address.port);
  if (address.host.empty()) return "+" + port;
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + port;
}

}  // namespace

class MetricsEndpoint::Collection final : public prometheus::Collectable {
 public:
  explicit Collection(std::vector<CollectMetrics> collectors)
      : collectors_(std::move(collectors)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    MetricFamilies families;
    for (const auto& collect : collectors_) collect(families);
    return families.take();
  }

 private:
  mutable std::mutex mutex_;
  const std::vector<CollectMetrics> collectors_;
};

Result<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::start(
    const net::Address& address, std::vector<CollectMetrics> collectors) {
  const std::string what = "cannot serve metrics on " + net::to_string(address);
  if (address.transport != net::Transport::kTcp) return fail(what + ": needs host:port");
  const auto numeric = resolve(address);
  if (!numeric) return fail(what + ": " + numeric.error().message, numeric.error().system_error);
  std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint);
  const std::vector<std::string> options = {"listening_ports",    listening_ports(*numeric),
                                            "num_threads",        kHttpThreads,
                                            "request_timeout_ms", kRequestTimeoutMs};
  try {
    endpoint->exposer_ = std::make_unique<prometheus::Exposer>(options);
    endpoint->collection_ = std::make_shared<Collection>(std::move(collectors));
    endpoint->exposer_->RegisterCollectable(endpoint->collection_);
  } catch (const std::exception& error) {
    return fail(what + ": " + error.what());
  }
  endpoint->address_ = address;
  const std::vector<int> ports = endpoint->exposer_->GetListeningPorts();
  if (!ports.empty()) endpoint->address_.port = static_cast<uint32_t>(ports.front());
  return endpoint;
}

MetricsEndpoint::MetricsEndpoint() = default;

// Ends the threads first: a scrape under way still reads what the collectors read.
MetricsEndpoint::~MetricsEndpoint() {
  exposer_.reset();
}

}  // namespace saker::app
