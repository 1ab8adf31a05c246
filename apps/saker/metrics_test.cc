#include "metrics.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "log_sink.h"
#include "metric_families.h"
#include "process_metrics.h"
#include "saker/net/descriptor.h"
#include "saker/net/listen_socket.h"
#include "saker/rpc/server.h"
#include "saker/services/echo/echo_service.h"
#include "server_log.h"
#include "server_metrics.h"

namespace saker::app {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint16_t kAnyPort = 0;

net::Address loopback(uint32_t port = kAnyPort) {
  return {.host = "127.0.0.1", .port = port};
}

std::string serialize(MetricFamilies& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families.take());
  return out.str();
}

// The samples of a text: name and labels → value.
std::map<std::string, double> samples(const std::string& text) {
  std::map<std::string, double> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t blank = line.rfind(' ');
    EXPECT_TRUE(out.emplace(line.substr(0, blank), std::stod(line.substr(blank + 1))).second)
        << line;
  }
  return out;
}

// One HTTP exchange, as a scraper that closes.
std::string get(uint32_t port, const std::string& path) {
  const net::Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return "no connection";
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "not sent";
  std::string reply;
  char buffer[4096];
  for (ssize_t size; (size = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    reply.append(buffer, static_cast<size_t>(size));
  }
  return reply;
}

// ---- families

TEST(MetricFamilies, SeriesOfOneNameAreOneFamily) {
  constexpr MetricName kOne = {"one_total", "First."};
  constexpr MetricName kTwo = {"two_bytes", "Second."};
  MetricFamilies families;
  families.add_counter(kOne, 1, {{"a", "x"}});
  families.add_gauge(kTwo, 2);
  families.add_counter(kOne, 3, {{"a", "y\"\n"}});
  EXPECT_EQ(serialize(families),
            "# HELP one_total First.\n# TYPE one_total counter\n"
            "one_total{a=\"x\"} 1\none_total{a=\"y\\\"\\n\"} 3\n"
            "# HELP two_bytes Second.\n# TYPE two_bytes gauge\ntwo_bytes 2\n");
}

TEST(MetricFamilies, BucketsAccumulate) {
  constexpr MetricName kTime = {"time_seconds", "Time."};
  constexpr uint64_t kCounts[] = {1, 0, 2, 4};
  constexpr double kBounds[] = {0.5, 1, 2};
  MetricFamilies families;
  families.add_histogram(kTime, kCounts, kBounds, 12.5, {});
  EXPECT_EQ(serialize(families),
            "# HELP time_seconds Time.\n# TYPE time_seconds histogram\n"
            "time_seconds_count 7\ntime_seconds_sum 12.5\n"
            "time_seconds_bucket{le=\"0.5\"} 1\ntime_seconds_bucket{le=\"1\"} 1\n"
            "time_seconds_bucket{le=\"2\"} 3\ntime_seconds_bucket{le=\"+Inf\"} 7\n");
}

// ---- the server's counters

class ServerMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rpc::ServerOptions options;
    options.threads = 2;
    server_ = std::make_unique<rpc::Server>(options);
    echo::register_echo_service(server_->dispatcher());
    ASSERT_TRUE(server_->prepare());
  }
  size_t echo_index() const {
    for (const auto& method : server_->dispatcher().methods()) {
      if (method->path() == "/saker.echo.v1.Echo/Echo") return method->index();
    }
    return SIZE_MAX;
  }
  // Of loop `loop`, as its thread would.
  void count(size_t loop, size_t method, net::Transport transport, grpc::StatusCode code,
             Duration duration) {
    server_->loop(loop)
        .counters()
        .calls(method, rpc::counted_transport(transport))
        .count(code, duration);
  }
  std::string text() const {
    MetricFamilies families;
    collect_server_metrics(*server_, families);
    return serialize(families);
  }

  std::unique_ptr<rpc::Server> server_;
};

TEST_F(ServerMetricsTest, IdleServerHasNoSeriesOfCalls) {
  EXPECT_THAT(text(), Not(HasSubstr("saker_calls_total")));
  EXPECT_THAT(text(), Not(HasSubstr("saker_call_duration_seconds")));
  EXPECT_EQ(samples(text()).at("saker_connections_open"), 0);
}

TEST_F(ServerMetricsTest, LoopsAreSummedAndZeroesLeftOut) {
  using enum grpc::StatusCode;
  const size_t echo = echo_index();
  ASSERT_NE(echo, SIZE_MAX);
  count(0, echo, net::Transport::kTcp, kOk, std::chrono::microseconds(3));
  count(1, echo, net::Transport::kTcp, kOk, std::chrono::microseconds(100));
  count(1, echo, net::Transport::kTcp, kDeadlineExceeded, std::chrono::milliseconds(1));
  count(0, echo, net::Transport::kUnixAbstract, kOk, Duration(0));
  count(0, SIZE_MAX, net::Transport::kVsock, kUnimplemented, std::chrono::hours(1));
  const auto all = samples(text());
  std::map<std::string, double> calls;
  for (const auto& [name, value] : all) {
    if (name.starts_with("saker_calls_total")) calls.emplace(name, value);
  }
  const std::map<std::string, double> expected = {
      {R"(saker_calls_total{method="saker.echo.v1.Echo/Echo",transport="tcp",code="OK"})", 2},
      {R"(saker_calls_total{method="saker.echo.v1.Echo/Echo",transport="tcp",code="DEADLINE_EXCEEDED"})",
       1},
      {R"(saker_calls_total{method="saker.echo.v1.Echo/Echo",transport="unix",code="OK"})", 1},
      {R"(saker_calls_total{method="other",transport="vsock",code="UNIMPLEMENTED"})", 1}};
  EXPECT_EQ(calls, expected);
}

TEST_F(ServerMetricsTest, LatencyFallsIntoTheBucketOfItsBound) {
  using enum grpc::StatusCode;
  const size_t echo = echo_index();
  for (const int64_t ns : {0, 1023, 1024, 2047, 2048, 1'000'000'000}) {
    count(static_cast<size_t>(ns) % 2, echo, net::Transport::kTcp, kOk, Duration(ns));
  }
  count(0, echo, net::Transport::kTcp, kOk, std::chrono::hours(1));
  const auto all = samples(text());
  const std::string labels = R"({method="saker.echo.v1.Echo/Echo",transport="tcp")";
  const auto bucket = [&](const std::string& bound) {
    return all.at("saker_call_duration_seconds_bucket" + labels + ",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("1.024e-06"), 2);
  EXPECT_EQ(bucket("2.048e-06"), 4);
  EXPECT_EQ(bucket("4.096e-06"), 5);
  EXPECT_EQ(bucket("0.536870912"), 5);
  EXPECT_EQ(bucket("1.073741824"), 6);
  EXPECT_EQ(bucket("17.179869184"), 6);
  EXPECT_EQ(bucket("+Inf"), 7);
  EXPECT_EQ(all.at("saker_call_duration_seconds_count" + labels + "}"), 7);
  EXPECT_NEAR(all.at("saker_call_duration_seconds_sum" + labels + "}"), 3601.000006142, 1e-9);
}

TEST_F(ServerMetricsTest, CountsConnectionsBytesAndRecords) {
  rpc::LoopCounters& first = server_->loop(0).counters();
  rpc::LoopCounters& second = server_->loop(1).counters();
  first.connections_opened += 3;
  second.connections_opened += 4;
  first.connections_open += 2;
  second.calls_open += 5;
  first.bytes_received += 1'000'000'000'001;
  second.bytes_sent += 9;
  first.records_logged += 6;
  second.records_dropped += 1;
  first.invariants_broken += 2;
  const auto all = samples(text());
  EXPECT_EQ(all.at("saker_connections_opened_total"), 7);
  EXPECT_EQ(all.at("saker_connections_open"), 2);
  EXPECT_EQ(all.at("saker_calls_open"), 5);
  EXPECT_EQ(all.at("saker_bytes_received_total"), 1'000'000'000'001);
  EXPECT_EQ(all.at("saker_bytes_sent_total"), 9);
  EXPECT_EQ(all.at("saker_log_records_total"), 6);
  EXPECT_EQ(all.at("saker_log_records_dropped_total"), 1);
  EXPECT_EQ(all.at("saker_invariants_broken_total"), 2);
}

TEST(LogMetrics, CountsLines) {
  ::testing::internal::CaptureStderr();
  auto log = ServerLog::open({.file = "/dev/full"});
  ASSERT_TRUE(log);
  (*log)->info("lost");
  ::testing::internal::GetCapturedStderr();
  MetricFamilies families;
  collect_log_metrics(*(*log)->sink(), families);
  const auto all = samples(serialize(families));
  EXPECT_EQ(all.at("saker_log_lines_written_total"), 0);
  EXPECT_EQ(all.at("saker_log_lines_lost_total"), 1);
}

// ---- the process

TEST(ProcessMetrics, AreThoseOfThisProcess) {
  const auto collect = [] {
    MetricFamilies families;
    collect_process_metrics(families);
    return samples(serialize(families));
  };
  const auto before = collect();
  const net::Descriptor more(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto after = collect();
  EXPECT_EQ(after.at("process_open_fds"), before.at("process_open_fds") + 1);
  EXPECT_GE(after.at("process_max_fds"), after.at("process_open_fds"));
  EXPECT_GE(after.at("process_cpu_seconds_total"), before.at("process_cpu_seconds_total"));
  EXPECT_GT(after.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(after.at("process_virtual_memory_bytes"), after.at("process_resident_memory_bytes"));
  if (after.contains("saker_heap_allocated_bytes")) {  // not under sanitizers
    EXPECT_GT(after.at("saker_heap_allocated_bytes"), 1e4);
    EXPECT_LT(after.at("saker_heap_allocated_bytes"), after.at("process_resident_memory_bytes"));
  }
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(after.at("process_start_time_seconds"), now, 300);
  const auto build = after.lower_bound("saker_build_info");
  EXPECT_THAT(build->first, AllOf(StartsWith("saker_build_info{version=\"0."),
                                  HasSubstr("compiler=\""), HasSubstr("build=\"")));
}

// ---- HTTP

TEST(MetricsEndpoint, ServesWhatCollectorsAdd) {
  constexpr MetricName kAnswer = {"answer", "Of everything."};
  auto endpoint = MetricsEndpoint::start(
      loopback(), {[&](MetricFamilies& out) { out.add_gauge(kAnswer, 42); },
                   [](MetricFamilies& out) { collect_process_metrics(out); }});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  const uint32_t port = (*endpoint)->address().port;
  ASSERT_NE(port, 0u);
  const std::string reply = get(port, "/metrics");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, AllOf(HasSubstr("\nanswer 42\n"), HasSubstr("\nprocess_open_fds ")));
  EXPECT_THAT(get(port, "/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get(port, "/etc/passwd"), StartsWith("HTTP/1.1 404 "));
}

TEST(MetricsEndpoint, LooksNamesUp) {
  auto endpoint = MetricsEndpoint::start({.host = "localhost", .port = kAnyPort}, {});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_THAT((*endpoint)->address().host, AnyOf("127.0.0.1", "::1"));
}

TEST(MetricsEndpoint, ServesBothProtocolsOnAllInterfaces) {
  auto endpoint = MetricsEndpoint::start({.host = "", .port = kAnyPort}, {});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_THAT(get((*endpoint)->address().port, "/metrics"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// A server that ends must not wait for the HTTP library to look up.
TEST(MetricsEndpoint, EndsAtOnce) {
  auto endpoint = MetricsEndpoint::start(loopback(), {});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_THAT(get((*endpoint)->address().port, "/metrics"), StartsWith("HTTP/1.1 200 OK\r\n"));
  const auto before = std::chrono::steady_clock::now();
  endpoint->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
}

TEST(MetricsEndpoint, BusyPortIsAnError) {
  auto taken = net::open_listen_socket(loopback(), net::ListenOptions());
  ASSERT_TRUE(taken);
  const auto endpoint = MetricsEndpoint::start(taken->address, {});
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error().message,
              AllOf(StartsWith("cannot serve metrics: "), HasSubstr("127.0.0.1:"),
                    HasSubstr("Address already in use")));
}

TEST(MetricsEndpoint, OnlyTcp) {
  const auto endpoint =
      MetricsEndpoint::start({.transport = net::Transport::kUnix, .path = "/tmp/x"}, {});
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().message, "cannot serve metrics: unix:/tmp/x is not host:port");
}

}  // namespace
}  // namespace saker::app
