// The worlds that the transport tests run on.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "saker/net/sim_loop.h"
#include "saker/net/socket_address.h"
#include "saker/net/transport_harness.h"
#include "saker/tls/certificates_testing.h"

namespace saker::net::test {
namespace {

class EpollWorld : public World {
 public:
  Loop& server() override { return *server_; }
  Loop& client() override { return *client_; }
  bool run_until(const std::function<bool()>& done, Duration limit) override {
    const Time end = client_->read_clock() + limit;
    while (!done()) {
      if (client_->read_clock() > end) return false;
      server_->run_once(Time{});
      client_->run_once(client_->read_clock() + std::chrono::milliseconds(1));
    }
    return true;
  }

 private:
  std::unique_ptr<Loop> server_ = must(make_epoll_loop(), "loop");
  std::unique_ptr<Loop> client_ = must(make_epoll_loop(), "loop");
};

// Why a stream socket cannot be bound to this address here, or nothing.
std::string bind_error(const Address& address) {
  const auto at = socket_addresses(address, Purpose::kListen);
  if (!at) return at.error().message;
  const Descriptor fd(::socket(at->front().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd && ::bind(fd.get(), at->front().get(), at->front().size) == 0) return {};
  return to_string(address) + " is not available here: " + std::strerror(errno);
}

template <int kFamily>
class TcpWorld : public EpollWorld {
 public:
  std::string why_unavailable() const override { return bind_error(host(0)); }
  Address listen_address() override { return host(0); }
  Address dead_address() override { return host(1); }
  std::vector<int> dead_errors() override { return {ECONNREFUSED}; }

 private:
  static Address host(uint32_t port) {
    return {.host = kFamily == AF_INET6 ? "::1" : "127.0.0.1", .port = port};
  }
};

class UnixWorld : public EpollWorld {
 public:
  Address listen_address() override {
    return {.transport = Transport::kUnix, .path = files_.path("s")};
  }
  Address dead_address() override {
    return {.transport = Transport::kUnix, .path = files_.path("none")};
  }
  std::vector<int> dead_errors() override { return {ENOENT}; }

 private:
  TemporaryDirectory files_;
};

class AbstractWorld final : public EpollWorld {
 public:
  Address listen_address() override { return name("live"); }
  Address dead_address() override { return name("dead"); }
  std::vector<int> dead_errors() override { return {ECONNREFUSED}; }

 private:
  static Address name(const std::string& what) {
    return {.transport = Transport::kUnixAbstract,
            .path = "saker-net-test-" + std::to_string(getpid()) + what};
  }
};

class VsockWorld : public EpollWorld {
 public:
  std::string why_unavailable() const override {
    const std::string error = bind_error(local(kVsockPortAny));
    return error.empty() ? error : error + " (the suite runs again inside a virtual machine)";
  }
  Address listen_address() override { return local(kVsockPortAny); }
  Address dead_address() override { return local(1); }
  std::vector<int> dead_errors() override { return {ECONNRESET}; }

 private:
  static Address local(uint32_t port) {
    return {.transport = Transport::kVsock, .cid = kVsockCidLocal, .port = port};
  }
};

class MuxWorld : public EpollWorld {
 public:
  Address listen_address() override { return port(52); }
  Address dead_address() override { return port(53); }
  std::vector<int> dead_errors() override { return {ECONNRESET}; }

 private:
  Address port(uint32_t number) {
    return {.transport = Transport::kVsockMux, .path = files_.path("v"), .port = number};
  }
  TemporaryDirectory files_;
  FakeMultiplexer multiplexer_{files_.path("v")};
};

class SimWorld : public World {
 public:
  SimWorld(uint64_t seed, const SimFaults& faults) : network_(seed, faults) {}
  Loop& server() override { return server_; }
  Loop& client() override { return client_; }
  bool run_until(const std::function<bool()>& done, Duration limit) override {
    return network_.run_until(done, limit);
  }
  Address listen_address() override { return {.transport = Transport::kMemory, .path = "s"}; }
  Address dead_address() override { return {.transport = Transport::kMemory, .path = "none"}; }
  std::vector<int> dead_errors() override { return {ECONNREFUSED}; }
  bool has_descriptors() const override { return false; }

 private:
  SimNetwork network_;
  SimLoop server_{network_};
  SimLoop client_{network_};
};

// The same world with TLS on every connection; each side shows the other a certificate.
template <typename Kind>
class TlsWorld final : public Kind {
 public:
  using Kind::Kind;
  const tls::ServerContext* server_tls() const override { return &contexts_.server; }
  const tls::ClientContext* client_tls() const override { return &contexts_.client; }

 private:
  tls::test::Contexts contexts_ = tls::test::make_contexts();
};

template <typename Kind>
std::unique_ptr<World> make() {
  return std::make_unique<Kind>();
}

std::unique_ptr<World> make_ideal() {
  return make_sim_world(1, {});
}
SimFaults rough_faults() {
  SimFaults faults;
  faults.short_read = faults.short_write = faults.late_write = 0.5;
  faults.latency_max = std::chrono::milliseconds(1);
  faults.window_bytes = 40'000;
  return faults;
}
std::unique_ptr<World> make_rough() {
  return make_sim_world(7, rough_faults());
}
std::unique_ptr<World> make_tls_rough() {
  return std::make_unique<TlsWorld<SimWorld>>(7, rough_faults());
}
std::unique_ptr<World> make_tls_ideal() {
  return std::make_unique<TlsWorld<SimWorld>>(1, SimFaults{});
}

}  // namespace

std::unique_ptr<World> make_sim_world(uint64_t seed, const SimFaults& faults) {
  return std::make_unique<SimWorld>(seed, faults);
}

std::vector<WorldKind> all_worlds() {
  std::vector<WorldKind> all = plain_worlds();
  all.push_back({"TlsTcp", make<TlsWorld<TcpWorld<AF_INET>>>});
  all.push_back({"TlsUnix", make<TlsWorld<UnixWorld>>});
  all.push_back({"TlsVsock", make<TlsWorld<VsockWorld>>});
  all.push_back({"TlsVsockMux", make<TlsWorld<MuxWorld>>});
  all.push_back({"TlsMemory", make_tls_ideal});
  all.push_back({"TlsMemoryRough", make_tls_rough});
  return all;
}

std::vector<WorldKind> plain_worlds() {
  return {{"Tcp", make<TcpWorld<AF_INET>>}, {"Tcp6", make<TcpWorld<AF_INET6>>},
          {"Unix", make<UnixWorld>},        {"UnixAbstract", make<AbstractWorld>},
          {"Vsock", make<VsockWorld>},      {"VsockMux", make<MuxWorld>},
          {"Memory", make_ideal},           {"MemoryRough", make_rough}};
}

}  // namespace saker::net::test
