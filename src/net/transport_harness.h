// For tests of transports: recording events, a world (loops and addresses) per transport, and a
// small VSOCK multiplexer as Firecracker's. The same tests run on every world.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "saker/net/descriptor.h"
#include "saker/net/loop.h"
#include "saker/net/sim_network.h"
#include "saker/net/tls_stream.h"

namespace saker::net::test {

// A stream with its events. Hooks run after the event has been recorded,
// and may destroy the TestStream.
class TestStream final : public StreamEvents {
 public:
  TestStream(Loop& loop, std::unique_ptr<Stream> stream)
      : loop_(loop), stream_(std::move(stream)) {}

  void start() { stream_->start(*this); }
  // False if nothing may be submitted now.
  bool send(std::string_view bytes);
  // Sends back whatever comes, one write at a time.
  void echo();
  Stream& stream() { return *stream_; }
  void destroy_stream() { stream_.reset(); }

  std::string received;
  int sent_count = 0;
  int end_count = 0;
  Error error;
  std::function<void()> data_hook;
  std::function<void()> sent_hook;
  std::function<void()> end_hook;

 private:
  void on_data(Bytes bytes) override;
  void on_sent() override;
  void on_end(const Error& reason) override;
  void echo_pending();

  Loop& loop_;
  std::unique_ptr<Stream> stream_;
  bool in_submit_ = false;
  bool is_echo_ = false;
  std::string pending_;
};

// What stands between a connection and its TestStream: TLS, or nothing.
using WrapStream = std::function<std::unique_ptr<Stream>(std::unique_ptr<Stream>)>;

class TestListener final : public ListenerEvents {
 public:
  explicit TestListener(Loop& loop, WrapStream wrap = {}) : loop_(loop), wrap_(std::move(wrap)) {}
  void on_accept(Accepted accepted) override;

  std::function<void(TestStream&)> setup = [](TestStream& stream) { stream.start(); };
  std::function<void(Accepted)> instead;  // of adopting
  std::vector<std::unique_ptr<TestStream>> streams;
  std::vector<Peer> peers;

 private:
  Loop& loop_;
  WrapStream wrap_;
};

class TestConnect final : public ConnectEvents {
 public:
  TestConnect(Loop& loop, const Address& address, const ConnectOptions& options = {},
              WrapStream wrap = {})
      : attempt(loop.connect(address, options, *this)), loop_(loop), wrap_(std::move(wrap)) {
    is_in_connect_ = false;
  }
  void on_connect(Result<std::unique_ptr<Stream>> result) override;

  int count = 0;
  bool was_early = false;  // called within connect()
  Error error;
  std::unique_ptr<TestStream> stream;
  std::function<void()> hook;

 private:
  bool is_in_connect_ = true;

 public:
  std::unique_ptr<ConnectAttempt> attempt;

 private:
  Loop& loop_;
  WrapStream wrap_;
};

class World {
 public:
  virtual ~World() = default;
  virtual std::string why_unavailable() const { return {}; }
  virtual Loop& server() = 0;
  virtual Loop& client() = 0;
  // Runs both loops; `limit` is virtual time in the simulator.
  virtual bool run_until(const std::function<bool()>& done, Duration limit) = 0;
  virtual Address listen_address() = 0;
  // Where to connect to for a listener on listen_address() that is bound as `bound`.
  virtual Address connect_address(const Address& bound) { return bound; }
  // An address at which nobody listens, and what connecting to it may say.
  virtual Address dead_address() = 0;
  virtual std::vector<int> dead_errors() = 0;
  virtual bool has_descriptors() const { return true; }
  // Worlds in which all is TLS.
  virtual const tls::ServerContext* server_tls() const { return nullptr; }
  virtual const tls::ClientContext* client_tls() const { return nullptr; }
  size_t engine_bytes() const { return client_tls() != nullptr ? TlsStream::kEngineBytes : 0; }
  WrapStream wrap_server();
  WrapStream wrap_client();

  bool run_until(const std::function<bool()>& done) {
    return run_until(done, std::chrono::seconds(20));
  }
  // Lets what is under way happen.
  void settle() {
    run_until([] { return false; }, std::chrono::milliseconds(50));
  }
};

struct WorldKind {
  std::string name;
  std::unique_ptr<World> (*make)();
};
std::vector<WorldKind> all_worlds();
std::vector<WorldKind> plain_worlds();  // those without TLS
std::unique_ptr<World> make_sim_world(uint64_t seed, const SimFaults& faults);

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Passes connections to `path` on to `path`_PORT after the CONNECT/OK
// handshake; two threads a connection.
class FakeMultiplexer {
 public:
  explicit FakeMultiplexer(std::string path);
  ~FakeMultiplexer();

 private:
  void accept_all();
  void serve(int fd);

  std::string path_;
  Descriptor listener_;
  std::thread acceptor_;
  std::vector<std::thread> workers_;
};

// Blocking sockets, for the peer that does what our own streams do not.
Descriptor raw_connect(const Address& address);
std::string raw_read(int fd, size_t size);  // up to the end of the stream if that comes first

size_t open_descriptors();
std::string pattern(size_t size, uint64_t seed = 1);
template <typename Interface>
Interface must(Result<Interface> result, const char* what) {
  if (!result) {
    std::string message = std::string(what) + ": " + result.error().message;
    fprintf(stderr, "%s\n", message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

}  // namespace saker::net::test
