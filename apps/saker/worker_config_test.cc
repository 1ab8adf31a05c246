#include "worker_config.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace saker::app {
namespace {

using grpc::StatusCode;
using ::grpc::testing::ClientConfig;
using ::grpc::testing::ServerConfig;

constexpr WorkerMeans kMeans{.cores = 4, .has_certificate = true, .has_ca = true};
constexpr const char* kLeastClient =
    "server_targets: 'localhost:1' outstanding_rpcs_per_channel: 2 client_channels: 3 "
    "load_params { closed_loop {} } ";

template <typename Config>
Config parse(const std::string& text) {
  Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

ServerPlan server(const std::string& text) {
  auto plan = check_server_config(parse<ServerConfig>(text), kMeans);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : ServerPlan{};
}

// What is said behind the least that a client needs.
ClientPlan client(const std::string& text) {
  auto config = parse<ClientConfig>(kLeastClient);
  config.MergeFrom(parse<ClientConfig>(text));
  auto plan = check_client_config(config, kMeans);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : ClientPlan{};
}

struct Refused {
  const char* config;
  StatusCode code;
  const char* field;  // the message begins with it
};

void expect_refused(const grpc::Status& status, const Refused& expected) {
  EXPECT_EQ(status.code, expected.code) << expected.config << ": " << status.message;
  EXPECT_TRUE(status.message.starts_with(std::string(expected.field) + ": "))
      << expected.config << ": " << status.message;
}

TEST(WorkerServerConfig, NothingIsAProtobufServerOnAllCores) {
  const ServerPlan plan = server("");
  EXPECT_EQ(plan.port, 0);
  EXPECT_EQ(plan.threads, 4u);
  EXPECT_EQ(plan.cores, 4u);
  EXPECT_FALSE(plan.tls);
  EXPECT_FALSE(plan.bytebuf_reply_bytes);
}

TEST(WorkerServerConfig, ThreadsAndCores) {
  EXPECT_EQ(server("async_server_threads: 7").threads, 7u);
  EXPECT_EQ(server("async_server_threads: 7 core_limit: 2").threads, 2u);
  EXPECT_EQ(server("core_limit: 2").cores, 2u);
  EXPECT_EQ(server("async_server_threads: 1").cores, 4u);
}

TEST(WorkerServerConfig, Payloads) {
  const ServerPlan bytes = server("payload_config { bytebuf_params { resp_size: 9 } }");
  EXPECT_EQ(bytes.bytebuf_reply_bytes, 9u);
  EXPECT_EQ(server("server_type: ASYNC_GENERIC_SERVER").bytebuf_reply_bytes, 0u);
  EXPECT_FALSE(server("payload_config { simple_params { resp_size: 9 } }").bytebuf_reply_bytes);
}

TEST(WorkerServerConfig, HintsArePassedOver) {
  server(
      "server_type: CALLBACK_SERVER threads_per_cq: 2 server_processes: 1 "
      "channel_args { name: 'grpc.optimization_target' str_value: 'latency' }");
}

TEST(WorkerServerConfig, Refusals) {
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kCannot = StatusCode::kUnimplemented;
  const Refused all[] = {
      {"server_type: OTHER_SERVER other_server_api: 'x'", kCannot, "server_type"},
      {"server_type: 99", kInvalid, "server_type"},
      {"port: 65536", kInvalid, "port"},
      {"port: -1", kInvalid, "port"},
      {"async_server_threads: -1", kInvalid, "async_server_threads"},
      {"async_server_threads: 1025", kInvalid, "async_server_threads"},
      {"core_list: 0", kCannot, "core_list"},
      {"core_limit: -1", kInvalid, "core_limit"},
      {"server_processes: 2", kCannot, "server_processes"},
      {"resource_quota_size: 1", kCannot, "resource_quota_size"},
      {"channel_args { name: 'grpc.max_send' }", kCannot, "channel_args"},
      {"security_params { cred_type: 'alts' }", kCannot, "security_params.cred_type"},
      {"payload_config { complex_params {} }", kCannot, "payload_config.complex_params"},
      {"payload_config { bytebuf_params { resp_size: -1 } }", kInvalid,
       "payload_config.bytebuf_params.resp_size"},
      {"payload_config { bytebuf_params { resp_size: 67108865 } }", kInvalid,
       "payload_config.bytebuf_params.resp_size"},
      {"server_type: ASYNC_GENERIC_SERVER payload_config { simple_params {} }", kInvalid,
       "payload_config.simple_params"},
  };
  for (const Refused& each : all) {
    const auto plan = check_server_config(parse<ServerConfig>(each.config), kMeans);
    ASSERT_FALSE(plan) << each.config;
    expect_refused(plan.error(), each);
  }
}

TEST(WorkerServerConfig, TlsNeedsACertificate) {
  EXPECT_TRUE(server("security_params { use_test_ca: true cred_type: 'ssl' }").tls);
  const auto plan = check_server_config(parse<ServerConfig>("security_params {}"), {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message,
            "security_params: this worker has no certificate: --tls-cert and --tls-key");
}

TEST(WorkerClientConfig, TheLeast) {
  const ClientPlan plan = client("");
  ASSERT_EQ(plan.targets.size(), 1u);
  EXPECT_EQ(plan.channels, 3u);
  EXPECT_EQ(plan.calls_per_channel, 2u);
  EXPECT_EQ(plan.threads, 3u);  // no more than channels
  EXPECT_EQ(plan.rate, 0);
  EXPECT_FALSE(plan.bytebuf);
  EXPECT_EQ(plan.histogram.resolution, 0.01);
  EXPECT_FALSE(plan.tls);
}

TEST(WorkerClientConfig, All) {
  const ClientPlan plan = client(
      "server_targets: '[::1]:2' async_client_threads: 2 rpc_type: STREAMING "
      "messages_per_stream: 5 load_params { poisson { offered_load: 12.5 } } "
      "payload_config { bytebuf_params { req_size: 3 resp_size: 4 } } "
      "histogram_params { resolution: 0.1 max_possible: 1e9 } threads_per_cq: 1 "
      "use_coalesce_api: true client_type: ASYNC_CLIENT "
      "security_params { use_test_ca: true server_host_override: 'foo.test' }");
  EXPECT_EQ(plan.targets.size(), 2u);
  EXPECT_EQ(plan.threads, 2u);
  EXPECT_EQ(plan.rpc_type, ::grpc::testing::STREAMING);
  EXPECT_EQ(plan.messages_per_stream, 5u);
  EXPECT_EQ(plan.rate, 12.5);
  EXPECT_TRUE(plan.bytebuf);
  EXPECT_EQ(plan.request_bytes, 3);
  EXPECT_EQ(plan.reply_bytes, 4);
  EXPECT_EQ(plan.histogram.max_possible, 1e9);
  ASSERT_TRUE(plan.tls);
  EXPECT_TRUE(plan.tls->use_ca);
  EXPECT_EQ(plan.tls->server_name, "foo.test");
}

TEST(WorkerClientConfig, Refusals) {
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kCannot = StatusCode::kUnimplemented;
  const Refused all[] = {
      {"client_type: OTHER_CLIENT", kCannot, "client_type"},
      {"client_type: 99", kInvalid, "client_type"},
      {"rpc_type: 99", kInvalid, "rpc_type"},
      {"rpc_type: STREAMING_BOTH_WAYS", kCannot, "rpc_type"},
      {"server_targets: 'no port'", kInvalid, "server_targets"},
      {"client_channels: 0", kInvalid, "client_channels"},
      {"outstanding_rpcs_per_channel: 0", kInvalid, "outstanding_rpcs_per_channel"},
      {"outstanding_rpcs_per_channel: 333334", kInvalid, "client_channels"},
      {"async_client_threads: -1", kInvalid, "async_client_threads"},
      {"messages_per_stream: -1", kInvalid, "messages_per_stream"},
      {"rpc_type: STREAMING_FROM_SERVER messages_per_stream: 1", kCannot, "messages_per_stream"},
      {"core_list: [1, 2]", kCannot, "core_list"},
      {"core_limit: -1", kInvalid, "core_limit"},
      {"client_processes: 2", kCannot, "client_processes"},
      {"median_latency_collection_interval_millis: 1", kCannot,
       "median_latency_collection_interval_millis"},
      {"channel_args { name: 'x' }", kCannot, "channel_args"},
      {"load_params { poisson { offered_load: 0 } }", kInvalid, "load_params.poisson.offered_load"},
      {"load_params { poisson { offered_load: nan } }", kInvalid,
       "load_params.poisson.offered_load"},
      {"rpc_type: STREAMING_FROM_CLIENT load_params { poisson { offered_load: 1 } }", kCannot,
       "load_params.poisson"},
      {"histogram_params {}", kInvalid, "histogram_params"},
      {"histogram_params { resolution: 1e-12 max_possible: 1e9 }", kInvalid, "histogram_params"},
      {"payload_config { complex_params {} }", kCannot, "payload_config.complex_params"},
      {"payload_config { simple_params { req_size: -1 } }", kInvalid,
       "payload_config.simple_params.req_size"},
      {"security_params { cred_type: 'alts' }", kCannot, "security_params.cred_type"},
  };
  for (const Refused& each : all) {
    auto config = parse<ClientConfig>(kLeastClient);
    config.MergeFrom(parse<ClientConfig>(each.config));
    // Merging leaves what is 0.
    if (std::string(each.config) == "client_channels: 0") config.set_client_channels(0);
    if (std::string(each.config) == "outstanding_rpcs_per_channel: 0") {
      config.set_outstanding_rpcs_per_channel(0);
    }
    const auto plan = check_client_config(config, kMeans);
    ASSERT_FALSE(plan) << each.config;
    expect_refused(plan.error(), each);
  }
}

TEST(WorkerClientConfig, WhatIsMissing) {
  auto config = parse<ClientConfig>(kLeastClient);
  config.clear_server_targets();
  expect_refused(check_client_config(config, kMeans).error(),
                 {"no targets", StatusCode::kInvalidArgument, "server_targets"});
  config = parse<ClientConfig>(kLeastClient);
  config.clear_load_params();
  expect_refused(check_client_config(config, kMeans).error(),
                 {"no load", StatusCode::kInvalidArgument, "load_params"});
}

TEST(WorkerClientConfig, TheTestCaMustBeThere) {
  auto config = parse<ClientConfig>(kLeastClient);
  config.mutable_security_params();
  EXPECT_TRUE(check_client_config(config, {}));
  config.mutable_security_params()->set_use_test_ca(true);
  expect_refused(check_client_config(config, {}).error(),
                 {"no CA", StatusCode::kInvalidArgument, "security_params.use_test_ca"});
}

}  // namespace
}  // namespace saker::app
