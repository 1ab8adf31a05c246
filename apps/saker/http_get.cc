#include "http_get.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "http_answer.h"
#include "redaction.h"
#include "saker/base/quantity.h"
#include "saker/net/descriptor.h"
#include "saker/net/failure_text.h"

namespace saker::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kShownBytes = 200;  // of a URL that is wrong

// False: the time is over.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd one = {fd, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

class Exchange {
 public:
  explicit Exchange(Duration timeout) : timeout_(timeout), deadline_(Clock::now() + timeout) {}

  Result<void> connect(const net::SocketAddress& to) {
    const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    fd_ = net::Descriptor(::socket(to.family(), kind, 0));
    if (!fd_) return fail_errno("a socket", errno);
    if (::connect(fd_.get(), to.get(), to.size) == 0) return {};
    int error = errno;
    if (error == EINPROGRESS) {
      if (!wait_for(fd_.get(), POLLOUT, deadline_)) return too_late("no connection");
      socklen_t size = sizeof error;
      if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error == 0) return {};
    return fail(net::connect_error_text(net::Transport::kTcp, error), error);
  }

  Result<void> send(std::string_view request) {
    while (!request.empty()) {
      const ssize_t sent = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        request.remove_prefix(static_cast<size_t>(sent));
      } else if (auto may = again(POLLOUT); !may) {
        return may;
      }
    }
    return {};
  }

  Result<std::string> receive() {
    HttpAnswer answer;
    std::array<char, 16 * 1024> buffer;
    while (!answer.done()) {
      if (Clock::now() >= deadline_) return std::unexpected(too_late().error());
      const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      Result<void> went;
      if (size < 0) {
        went = again(POLLIN);
      } else {
        went = size == 0 ? answer.end() : answer.add({buffer.data(), static_cast<size_t>(size)});
      }
      if (!went) return std::unexpected(went.error());
    }
    return answer.body();
  }

 private:
  std::unexpected<Error> too_late(std::string what = "no whole answer") const {
    return fail(std::move(what) + " within " + format_duration(timeout_), ETIMEDOUT);
  }
  // After a call that failed: waits until it may be tried again.
  Result<void> again(short events) const {
    const int error = errno;
    if (error == EINTR) return {};
    if (error != EAGAIN) return fail(net::end_text(error), error);
    if (!wait_for(fd_.get(), events, deadline_)) return too_late();
    return {};
  }

  const Duration timeout_;
  const Clock::time_point deadline_;
  net::Descriptor fd_;
};

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail_in_one_line("'" + std::string(text.substr(0, kShownBytes)) +
                            "': " + std::string(why));
  };
  constexpr std::string_view kScheme = "http://";
  if (text.size() > kMaxUrlBytes) return refuse("a URL of more than 2048 bytes");
  if (!text.starts_with(kScheme)) return refuse("write http://HOST:PORT/metrics");
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7F; };
  if (!std::ranges::all_of(text, is_plain)) return refuse("a URL has no blanks in it");
  const std::string_view rest = text.substr(kScheme.size(), text.find('#') - kScheme.size());
  const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  HttpUrl url;
  url.shown = shown_url(text);
  url.host = rest.substr(0, slash);
  if (url.host.find('@') != std::string::npos) return refuse("no user and password in it");
  const size_t host_end = url.host.starts_with('[') ? url.host.find(']') : 0;
  const bool has_port =
      host_end != std::string::npos && url.host.find(':', host_end) != std::string::npos;
  auto address = net::parse_address("tcp://" + url.host + (has_port ? "" : ":80"));
  if (!address) return refuse(address.error().message);
  if (address->host.empty() || address->port == 0) return refuse("write http://HOST:PORT/metrics");
  url.address = *std::move(address);
  url.path = rest.substr(slash);
  if (!url.path.starts_with('/')) url.path.insert(0, "/metrics");
  return url;
}

Result<std::string> http_get(const HttpUrl& url, const std::vector<net::SocketAddress>& addresses,
                             Duration timeout) {
  const std::string request = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host +
                              "\r\nUser-Agent: saker\r\nAccept: text/plain;version=0.0.4\r\n"
                              "Connection: close\r\n\r\n";
  Exchange exchange(timeout);
  Result<void> went = fail("no address");
  for (const net::SocketAddress& address : addresses) {
    went = exchange.connect(address);
    if (went) break;
  }
  if (went) went = exchange.send(request);
  if (!went) return std::unexpected(went.error());
  return exchange.receive();
}

}  // namespace saker::app
