// The floor under Saker's figures: a bare request and reply of fixed sizes over TCP, a Unix socket or
// VSOCK, with Saker's pattern of system calls (level-triggered epoll, one recv and one send a
// readiness) and nothing else: no protocol, no checks.
//
//   raw_echo server ADDR REQUEST_BYTES REPLY_BYTES [--spin]
//   raw_echo client ADDR REQUEST_BYTES REPLY_BYTES CONNECTIONS COUNT [--spin]
//
// ADDR: a port on 127.0.0.1, the path of a Unix socket, or vsock:PORT on CID 1 (with Saker's window
// of 4 MiB). The client has one request in flight on each connection and prints one line of JSON:
// calls, wall and CPU nanoseconds per call, latency percentiles.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>
// After <sys/socket.h>, which it needs.
#include <linux/vm_sockets.h>

namespace {

constexpr uint64_t kVsockWindow = 4 << 20;

struct Options {
  std::string mode;
  std::string address;
  size_t request_bytes = 0;
  size_t reply_bytes = 0;
  size_t connections = 1;
  size_t count = 0;
  bool spin = false;
};

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

struct Place {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

template <typename Kind>
Place place(const Kind& address) {
  Place out;
  std::memcpy(&out.bytes, &address, sizeof address);
  out.size = sizeof address;
  return out;
}

Place parse(const std::string& address) {
  constexpr std::string_view kVsock = "vsock:";
  if (address.starts_with('/')) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, address.c_str(), sizeof at.sun_path - 1);
    return place(at);
  }
  if (address.starts_with(kVsock)) {
    sockaddr_vm at{};
    at.svm_family = AF_VSOCK;
    at.svm_cid = VMADDR_CID_LOCAL;
    at.svm_port = static_cast<unsigned>(std::atoi(address.c_str() + kVsock.size()));
    return place(at);
  }
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str())));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return place(at);
}

int make_socket(const std::string& address, bool listening) {
  Place at = parse(address);
  const int family = at.get()->sa_family;
  const int fd = socket(family, SOCK_STREAM, 0);
  const int one = 1;
  if (family == AF_VSOCK) {
    for (const int option : {SO_VM_SOCKETS_BUFFER_MAX_SIZE, SO_VM_SOCKETS_BUFFER_SIZE}) {
      setsockopt(fd, AF_VSOCK, option, &kVsockWindow, sizeof kVsockWindow);
    }
  }
  if (listening) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_UNIX) unlink(address.c_str());
    if (bind(fd, at.get(), at.size) != 0 || listen(fd, 4096) != 0) fail("listen");
  } else if (connect(fd, at.get(), at.size) != 0) {
    fail("connect");
  }
  if (family == AF_INET) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

void watch(int poller, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// Bytes of a message that has not arrived whole yet, by descriptor.
using Partial = std::vector<size_t>;

void send_all(int fd, const uint8_t* bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) continue;
      return;
    }
    bytes += sent;
    size -= static_cast<size_t>(sent);
  }
}

int run_server(const Options& options) {
  const int listener = make_socket(options.address, true);
  const int poller = epoll_create1(0);
  watch(poller, listener);
  std::vector<uint8_t> buffer(256 * 1024);
  const std::vector<uint8_t> reply(std::max(options.reply_bytes, buffer.size()), 0x5A);
  Partial partial(65536);
  std::printf("listening on %s\n", options.address.c_str());
  std::fflush(stdout);
  epoll_event events[256];
  for (;;) {
    const int ready = epoll_wait(poller, events, 256, options.spin ? 0 : -1);
    for (int at = 0; at < ready; ++at) {
      const int fd = events[at].data.fd;
      if (fd == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        const int one = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (accepted >= 0) watch(poller, accepted);
        continue;
      }
      const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
      if (received <= 0) {
        close(fd);
        partial[static_cast<size_t>(fd)] = 0;
        continue;
      }
      size_t& have = partial[static_cast<size_t>(fd)];
      have += static_cast<size_t>(received);
      size_t due = have / options.request_bytes * options.reply_bytes;
      have %= options.request_bytes;
      for (; due > 0; due -= std::min(due, reply.size())) {
        send_all(fd, reply.data(), std::min(due, reply.size()));
      }
    }
  }
}

int run_client(const Options& options) {
  const int poller = epoll_create1(0);
  std::vector<uint8_t> buffer(256 * 1024);
  const std::vector<uint8_t> request(options.request_bytes, 0xA5);
  Partial partial(65536);
  std::vector<int64_t> sent_at(65536);
  std::vector<int64_t> latencies;
  latencies.reserve(options.count);
  size_t started = 0;
  const int64_t wall_start = clock_ns(CLOCK_MONOTONIC);
  const int64_t cpu_start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const auto start = [&](int fd) {
    ++started;
    sent_at[static_cast<size_t>(fd)] = clock_ns(CLOCK_MONOTONIC);
    send_all(fd, request.data(), request.size());
  };
  for (size_t index = 0; index < options.connections; ++index) {
    const int fd = make_socket(options.address, false);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(poller, fd);
    start(fd);
  }
  epoll_event events[256];
  while (latencies.size() < options.count) {
    const int ready = epoll_wait(poller, events, 256, options.spin ? 0 : -1);
    for (int at = 0; at < ready; ++at) {
      const int fd = events[at].data.fd;
      const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
      if (received <= 0) fail("the server closed");
      size_t& have = partial[static_cast<size_t>(fd)];
      have += static_cast<size_t>(received);
      if (have < options.reply_bytes) continue;
      have = 0;
      latencies.push_back(clock_ns(CLOCK_MONOTONIC) - sent_at[static_cast<size_t>(fd)]);
      if (started < options.count) start(fd);
    }
  }
  const auto calls = static_cast<double>(latencies.size());
  const double wall = static_cast<double>(clock_ns(CLOCK_MONOTONIC) - wall_start);
  const double cpu = static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
  std::sort(latencies.begin(), latencies.end());
  const auto percentile = [&](double share) {
    return static_cast<long>(latencies[static_cast<size_t>(share * (calls - 1))]);
  };
  std::printf(
      "{\"calls\": %zu, \"wall_ns_per_call\": %.1f, \"client_cpu_ns_per_call\": %.1f, "
      "\"p50_ns\": %ld, \"p99_ns\": %ld}\n",
      latencies.size(), wall / calls, cpu / calls, percentile(0.5), percentile(0.99));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words;
  Options options;
  for (int at = 1; at < argc; ++at) {
    if (std::strcmp(argv[at], "--spin") == 0) {
      options.spin = true;
    } else {
      words.emplace_back(argv[at]);
    }
  }
  const bool is_server = words.size() == 4 && words[0] == "server";
  const bool is_client = words.size() == 6 && words[0] == "client";
  if (!is_server && !is_client) {
    std::fprintf(stderr,
                 "usage: raw_echo server|client ADDR REQUEST REPLY [CONNECTIONS COUNT] [--spin]\n");
    return 2;
  }
  options.address = words[1];
  options.request_bytes = std::strtoul(words[2].c_str(), nullptr, 10);
  options.reply_bytes = std::strtoul(words[3].c_str(), nullptr, 10);
  if (options.request_bytes == 0 || options.reply_bytes == 0) return 2;
  if (is_server) return run_server(options);
  options.connections = std::strtoul(words[4].c_str(), nullptr, 10);
  options.count = std::strtoul(words[5].c_str(), nullptr, 10);
  return run_client(options);
}
