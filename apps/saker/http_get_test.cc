// http_get() and ServerScraper against servers that do their worst, over loopback.
#include "http_get.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "saker/net/descriptor.h"
#include "saker/net/listen_socket.h"
#include "server_scraper.h"

namespace saker::app {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Duration kPatience = 20s;  // nothing that is right takes so long
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

// Hands each connection, once it has sent something, to `serve`, which returns when it is done.
class Peer {
 public:
  using Serve = std::function<void(int fd, const std::string& request)>;

  explicit Peer(Serve serve) : serve_(std::move(serve)) {
    auto listening = net::open_listen_socket({.host = "127.0.0.1"}, net::ListenOptions());
    if (!listening) return;
    listening_ = std::move(listening->fd);
    if (const auto local = net::local_address(listening_.get())) {
      port = net::address_of(*local).port;
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  std::string url(const std::string& path = "/metrics") const {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }
  uint32_t port = 0;

 private:
  static bool is_ready(int fd) {
    pollfd one = {fd, POLLIN, 0};
    return ::poll(&one, 1, 20) > 0;
  }
  void run(const std::stop_token& stop) const {
    while (!stop.stop_requested()) {
      if (!is_ready(listening_.get())) continue;
      const net::Descriptor fd(::accept(listening_.get(), nullptr, nullptr));
      std::string request(4096, '\0');
      while (!is_ready(fd.get()) && !stop.stop_requested()) {
      }
      const ssize_t size = ::recv(fd.get(), request.data(), request.size(), MSG_DONTWAIT);
      request.resize(size > 0 ? static_cast<size_t>(size) : 0);
      serve_(fd.get(), request);
    }
  }

  const Serve serve_;
  net::Descriptor listening_;
  std::jthread thread_;
};

// False: the client has gone.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

Result<std::string> get(const std::string& text, Duration timeout = kPatience) {
  const auto url = parse_http_url(text);
  if (!url) return std::unexpected(url.error());
  const auto addresses = net::socket_addresses(url->address, net::Purpose::kConnect);
  if (!addresses) return std::unexpected(addresses.error());
  return http_get(*url, *addresses, timeout);
}

TEST(HttpUrl, HasHostPortAndPath) {
  struct Known {
    const char* text;
    const char* address;
    const char* host;
    const char* path;
    std::string shown = text;
  };
  for (const Known& known :
       {Known{"http://10.0.0.7:9090/metrics", "10.0.0.7:9090", "10.0.0.7:9090", "/metrics"},
        Known{"http://signer.example:9090", "signer.example:9090", "signer.example:9090",
              "/metrics"},
        Known{"http://signer.example/", "signer.example:80", "signer.example", "/"},
        Known{"http://[::1]:9/a?b=c#d", "[::1]:9", "[::1]:9", "/a?b=c", "http://[::1]:9/a?..."},
        Known{"http://[::1]", "[::1]:80", "[::1]", "/metrics"},
        Known{"http://h:1?x=/y", "h:1", "h:1", "/metrics?x=/y", "http://h:1?..."}}) {
    const auto url = parse_http_url(known.text);
    ASSERT_TRUE(url) << known.text;
    EXPECT_EQ(url->shown, known.shown);
    EXPECT_EQ(net::to_string(url->address), known.address);
    EXPECT_EQ(url->host, known.host);
    EXPECT_EQ(url->path, known.path);
  }
}

TEST(HttpUrl, IsRefusedInOneLine) {
  for (const std::string text :
       {"", "h:9090", "https://h:9090/metrics", "http://", "http:///metrics", "http://:9090/",
        "http://h:0/", "http://h:65536/", "http://h:x/", "http://[::1/", "http://u:p@h:9090/",
        "http://a b/", "http://h/\r\nX: y", "http://h/\x7F", "http://::1/", "http://[1.2.3.4]/"}) {
    const auto url = parse_http_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message.find_first_of("\r\n\x7F"), std::string::npos);
  }
  EXPECT_FALSE(parse_http_url("http://h/" + std::string(4096, 'x')));
}

TEST(HttpGet, GetsWhatIsThere) {
  const Peer peer([](int fd, const std::string& request) {
    (void)send_all(fd, std::string(kOk) + "\r\n" + request);
  });
  const auto got = get(peer.url("/m?x=1"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(
      *got,
      StartsWith("GET /m?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port) + "\r\n"));
}

TEST(HttpGet, SaysWhyThereIsNothing) {
  uint32_t port = 0;
  {
    const Peer gone([](int, const std::string&) {});
    port = gone.port;
    const auto got = get(gone.url());
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().message, HasSubstr("closed"));
  }
  const auto got = get("http://127.0.0.1:" + std::to_string(port));
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("nobody listens there"));
}

TEST(HttpGet, WaitsNoLongerThanItsTime) {
  const Peer silent([](int fd, const std::string&) {
    char byte = 0;
    (void)::recv(fd, &byte, 1, 0);  // until it goes away
  });
  const Peer slow([](int fd, const std::string&) {
    bool goes_on = send_all(fd, kOk);
    while (goes_on) {
      std::this_thread::sleep_for(10ms);
      goes_on = send_all(fd, "X");
    }
  });
  for (const Peer* peer : {&silent, &slow}) {
    const auto got = get(peer->url(), 300ms);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().message, "no whole answer within 300ms");
  }
}

TEST(HttpGet, EndsWhatDoesNotEnd) {
  for (const std::string& begin : {std::string(kOk), std::string(kOk) + "\r\n"}) {
    std::atomic<uint64_t> sent = 0;
    const Peer endless([&](int fd, const std::string&) {
      bool goes_on = send_all(fd, begin);
      const std::string line = "process_cpu_seconds_total 1\n" + std::string(65536, 'x');
      while (goes_on) {
        goes_on = send_all(fd, line);
        sent += line.size();
      }
    });
    const auto got = get(endless.url());
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().message,
                AnyOf(HasSubstr("head does not end"), HasSubstr("more than 16 MiB")));
    EXPECT_LT(sent, uint64_t{64} << 20);  // sockets' buffers, too
  }
}

TEST(ServerScraper, LooksAtOnceAndThenMeanwhile) {
  std::atomic<int> asked = 0;
  const Peer server([&](int fd, const std::string&) {
    const int number = ++asked;
    if (number == 2) return (void)send_all(fd, "garbage");  // left out
    (void)send_all(fd,
                   std::string(kOk) + "\r\nprocess_cpu_seconds_total " + std::to_string(number));
  });
  const auto url = parse_http_url(server.url());
  ASSERT_TRUE(url);
  ServerScraper scraper(*url);
  const auto first = scraper.scrape();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->process.cpu, 1s);
  scraper.start(ServerScraper::now());
  std::vector<Scrape> seen;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (seen.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
    seen = scraper.take();
  }
  scraper.stop();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().process.cpu, 3s);
  EXPECT_GT(seen.front().at, first->at);
}

TEST(ServerScraper, NamesTheUrl) {
  const Peer server(
      [](int fd, const std::string&) { (void)send_all(fd, std::string(kOk) + "\r\nx 1\n"); });
  const auto url = parse_http_url(server.url());
  ASSERT_TRUE(url);
  const auto scraped = ServerScraper(*url).scrape();
  ASSERT_FALSE(scraped);
  EXPECT_EQ(scraped.error().message,
            server.url() + ": no process_cpu_seconds_total among its metrics");
}

}  // namespace
}  // namespace saker::app
