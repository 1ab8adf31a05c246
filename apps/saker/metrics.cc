#include "metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>

#include <chrono>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "metric_families.h"
#include "saker/net/descriptor.h"
#include "saker/net/listen_socket.h"
#include "saker/net/socket_address.h"

namespace saker::app {
namespace {

// limit: connections served at once; others wait.
constexpr const char* kHttpThreads = "2";
// limit: a peer that sends no request holds one of those threads no longer.
constexpr const char* kRequestTimeoutMs = "5000";
constexpr auto kKnockInterval = std::chrono::milliseconds(10);

// Looks names up and asks for the address, so that an error says what is wrong: the HTTP library
// does not. Gives back the address as numbers, port 0 still open. Should another process take the
// port between this and the library's own bind(), start() fails with less detail.
Result<net::Address> resolve(const net::Address& address) {
  const auto probe = net::open_listen_socket(address, net::ListenOptions());
  if (!probe) return std::unexpected(probe.error());
  const auto local = net::local_address(probe->fd.get());
  if (!local) return std::unexpected(local.error());
  net::Address numeric = net::address_of(*local);
  numeric.port = address.port;
  return numeric;
}

// In the words of civetweb's option listening_ports; "+" stands for both protocols.
std::string listening_ports(const net::Address& numeric) {
  const std::string port = std::to_string(numeric.port);
  if (numeric.host == "::" || numeric.host.empty()) return "+" + port;
  const bool is_ipv6 = numeric.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + numeric.host + "]" : numeric.host) + ":" + port;
}

// Connects and leaves.
void knock(net::Address address) {
  if (address.host == "::" || address.host.empty()) address.host = "127.0.0.1";  // dual stack
  const auto to = net::socket_addresses(address, net::Purpose::kConnect);
  if (!to || to->empty()) return;
  const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const net::Descriptor fd(::socket(to->front().family(), kind, 0));
  [[maybe_unused]] const int begun = ::connect(fd.get(), to->front().get(), to->front().size);
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
  const std::string what = "cannot serve metrics: ";
  if (address.transport != net::Transport::kTcp) {
    return fail(what + net::to_string(address) + " is not host:port");
  }
  const auto numeric = resolve(address);
  if (!numeric) return fail(what + numeric.error().message, numeric.error().system_error);
  std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint);
  const std::vector<std::string> options = {"listening_ports",    listening_ports(*numeric),
                                            "num_threads",        kHttpThreads,
                                            "request_timeout_ms", kRequestTimeoutMs};
  try {
    endpoint->exposer_ = std::make_unique<prometheus::Exposer>(options);
    endpoint->collection_ = std::make_shared<Collection>(std::move(collectors));
    endpoint->exposer_->RegisterCollectable(endpoint->collection_);
  } catch (const std::exception& error) {
    return fail(what + net::to_string(address) + ": " + error.what());
  }
  endpoint->address_ = *numeric;
  const std::vector<int> ports = endpoint->exposer_->GetListeningPorts();
  if (!ports.empty()) endpoint->address_.port = static_cast<uint32_t>(ports.front());
  return endpoint;
}

MetricsEndpoint::MetricsEndpoint() = default;

// Ends the threads first: a scrape under way still reads what the collectors read. civetweb's own
// sleeps two seconds in poll() before it looks whether it is to end, unless somebody connects.
MetricsEndpoint::~MetricsEndpoint() {
  if (exposer_ == nullptr) return;
  const std::jthread knocking([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      knock(address_);
      std::this_thread::sleep_for(kKnockInterval);
    }
  });
  exposer_.reset();
}

}  // namespace saker::app
