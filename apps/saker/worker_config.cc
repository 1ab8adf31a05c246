#include "worker_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "saker/services/benchmark/benchmark_service.h"

namespace saker::app {
namespace {

using grpc::Status;
using grpc::StatusCode;
using ::grpc::testing::ClientConfig;
using ::grpc::testing::PayloadConfig;
using ::grpc::testing::SecurityParams;
using ::grpc::testing::ServerConfig;

using Checked = std::expected<void, Status>;

constexpr std::array<std::string_view, 3> kIgnoredChannelArgs = {
    "grpc.minimal_stack", "grpc.optimization_target", "grpc.use_local_subchannel_pool"};
constexpr double kMaxRate = 1e9;

std::unexpected<Status> invalid(std::string_view field, std::string_view why) {
  return std::unexpected(
      Status{StatusCode::kInvalidArgument, std::string(field) + ": " + std::string(why), {}});
}

std::unexpected<Status> cannot(std::string_view field, std::string_view why) {
  return std::unexpected(
      Status{StatusCode::kUnimplemented, std::string(field) + ": " + std::string(why), {}});
}

Checked within(std::string_view field, int64_t number, int64_t lowest, int64_t highest) {
  if (number >= lowest && number <= highest) return {};
  return invalid(field, std::to_string(number) + " is not within " + std::to_string(lowest) +
                            " to " + std::to_string(highest));
}

// What both configurations have.
template <typename Config>
Checked check_process(const Config& config) {
  if (!config.core_list().empty()) return cannot("core_list", "threads are not bound to cores");
  for (const auto& arg : config.channel_args()) {
    if (std::ranges::find(kIgnoredChannelArgs, arg.name()) == kIgnoredChannelArgs.end()) {
      return cannot("channel_args", "'" + arg.name() + "' is an option of gRPC's core");
    }
  }
  return within("core_limit", config.core_limit(), 0, kMaxWorkerThreads);
}

// 0 threads: as many as cores, of which there may be a limit.
template <typename Config>
uint32_t threads_of(const Config& config, int32_t wanted, const WorkerMeans& means) {
  const auto threads = wanted > 0 ? static_cast<uint32_t>(wanted) : means.cores;
  if (config.core_limit() == 0) return threads;
  return std::min(threads, static_cast<uint32_t>(config.core_limit()));
}

Checked check_credentials(const SecurityParams& params) {
  if (params.cred_type().empty() || params.cred_type() == "ssl") return {};
  return cannot("security_params.cred_type", "'" + params.cred_type() + "' is not 'ssl'");
}

struct Sizes {
  bool bytebuf = false;
  int32_t request = 0;
  int32_t reply = 0;
};

Checked check_sizes(std::string_view field, const Sizes& sizes) {
  const std::string prefix = "payload_config." + std::string(field);
  const auto request = within(prefix + ".req_size", sizes.request, 0, benchmark::kMaxPayloadBytes);
  if (!request) return request;
  return within(prefix + ".resp_size", sizes.reply, 0, benchmark::kMaxPayloadBytes);
}

std::expected<Sizes, Status> check_payload(const PayloadConfig& config) {
  Sizes sizes;
  std::string_view field = "simple_params";
  switch (config.payload_case()) {
    case PayloadConfig::kBytebufParams:
      field = "bytebuf_params";
      sizes = {true, config.bytebuf_params().req_size(), config.bytebuf_params().resp_size()};
      break;
    case PayloadConfig::kSimpleParams:
      sizes = {false, config.simple_params().req_size(), config.simple_params().resp_size()};
      break;
    case PayloadConfig::kComplexParams:
      return cannot("payload_config.complex_params", "nobody has defined them");
    case PayloadConfig::PAYLOAD_NOT_SET:
      break;
  }
  if (auto checked = check_sizes(field, sizes); !checked) return std::unexpected(checked.error());
  return sizes;
}

// ---- servers

Checked check_server_kind(const ServerConfig& config) {
  using namespace ::grpc::testing;
  if (config.server_type() == OTHER_SERVER) {
    return cannot("server_type", "OTHER_SERVER '" + config.other_server_api() + "'");
  }
  if (!ServerType_IsValid(config.server_type())) return invalid("server_type", "no such type");
  if (config.resource_quota_size() != 0) {
    return cannot("resource_quota_size", "a server's buffers have no limit of their own");
  }
  if (config.server_processes() > 1) return cannot("server_processes", "there is one process");
  return {};
}

Checked check_server(const ServerConfig& config) {
  if (auto checked = check_process(config); !checked) return checked;
  if (auto checked = check_server_kind(config); !checked) return checked;
  if (auto checked = within("port", config.port(), 0, 65535); !checked) return checked;
  return within("async_server_threads", config.async_server_threads(), 0, kMaxWorkerThreads);
}

Checked check_server_security(const ServerConfig& config, const WorkerMeans& means) {
  if (!config.has_security_params()) return {};
  if (auto checked = check_credentials(config.security_params()); !checked) return checked;
  if (means.has_certificate) return {};
  return invalid("security_params", "this worker has no certificate: --tls-cert and --tls-key");
}

Checked plan_server_payload(const ServerConfig& config, ServerPlan& plan) {
  const auto sizes = check_payload(config.payload_config());
  if (!sizes) return std::unexpected(sizes.error());
  const bool generic = config.server_type() == ::grpc::testing::ASYNC_GENERIC_SERVER;
  if (generic && config.payload_config().has_simple_params()) {
    return invalid("payload_config.simple_params", "an ASYNC_GENERIC_SERVER has bytebuf_params");
  }
  if (generic || sizes->bytebuf) plan.bytebuf_reply_bytes = static_cast<size_t>(sizes->reply);
  return {};
}

// ---- clients

Checked check_client_kind(const ClientConfig& config) {
  using namespace ::grpc::testing;
  if (config.client_type() == OTHER_CLIENT) {
    return cannot("client_type", "OTHER_CLIENT '" + config.other_client_api() + "'");
  }
  if (!ClientType_IsValid(config.client_type())) return invalid("client_type", "no such type");
  if (!RpcType_IsValid(config.rpc_type())) return invalid("rpc_type", "no such type");
  if (config.rpc_type() == STREAMING_BOTH_WAYS) {
    return cannot("rpc_type", "STREAMING_BOTH_WAYS has no latency to measure");
  }
  if (config.client_processes() > 1) return cannot("client_processes", "there is one process");
  if (config.median_latency_collection_interval_millis() != 0) {
    return cannot("median_latency_collection_interval_millis", "no medians are collected");
  }
  return {};
}

Checked check_calls(const ClientConfig& config) {
  const int64_t channels = config.client_channels();
  const int64_t calls = config.outstanding_rpcs_per_channel();
  if (auto checked = within("client_channels", channels, 1, kMaxWorkerCalls); !checked) {
    return checked;
  }
  if (auto checked = within("outstanding_rpcs_per_channel", calls, 1, kMaxWorkerCalls); !checked) {
    return checked;
  }
  if (channels * calls > kMaxWorkerCalls) {
    return invalid("client_channels", "times outstanding_rpcs_per_channel is over " +
                                          std::to_string(kMaxWorkerCalls) + " calls in flight");
  }
  const auto threads =
      within("async_client_threads", config.async_client_threads(), 0, kMaxWorkerThreads);
  if (!threads) return threads;
  return within("messages_per_stream", config.messages_per_stream(), 0, INT32_MAX);
}

Checked check_client(const ClientConfig& config) {
  if (auto checked = check_process(config); !checked) return checked;
  if (auto checked = check_client_kind(config); !checked) return checked;
  if (auto checked = check_calls(config); !checked) return checked;
  const bool endless = config.rpc_type() == ::grpc::testing::STREAMING_FROM_SERVER;
  if (endless && config.messages_per_stream() != 0) {
    return cannot("messages_per_stream", "servers end no STREAMING_FROM_SERVER");
  }
  return {};
}

Checked plan_load(const ClientConfig& config, ClientPlan& plan) {
  const auto& load = config.load_params();
  if (load.has_closed_loop()) return {};
  if (!load.has_poisson()) return invalid("load_params", "neither closed_loop nor poisson");
  plan.rate = load.poisson().offered_load();
  if (!(plan.rate > 0 && plan.rate <= kMaxRate)) {
    return invalid("load_params.poisson.offered_load", "is not a rate");
  }
  using namespace ::grpc::testing;
  if (plan.rpc_type != UNARY && plan.rpc_type != STREAMING) {
    return cannot("load_params.poisson", "of " + RpcType_Name(plan.rpc_type));
  }
  return {};
}

Checked plan_histogram(const ClientConfig& config, ClientPlan& plan) {
  if (!config.has_histogram_params()) return {};
  plan.histogram.resolution = config.histogram_params().resolution();
  plan.histogram.max_possible = config.histogram_params().max_possible();
  if (plan.histogram.is_valid()) return {};
  return invalid("histogram_params", "resolution and max_possible make no histogram");
}

Checked plan_targets(const ClientConfig& config, ClientPlan& plan) {
  if (config.server_targets().empty()) return invalid("server_targets", "there are none");
  for (const std::string& text : config.server_targets()) {
    auto target = net::parse_target(text);
    if (!target) return invalid("server_targets", target.error().message);
    plan.targets.push_back(*std::move(target));
  }
  return {};
}

Checked plan_client_security(const ClientConfig& config, const WorkerMeans& means,
                             ClientPlan& plan) {
  if (!config.has_security_params()) return {};
  const SecurityParams& params = config.security_params();
  if (auto checked = check_credentials(params); !checked) return checked;
  if (params.use_test_ca() && !means.has_ca) {
    return invalid("security_params.use_test_ca", "this worker was given no CA: --ca");
  }
  plan.tls = WorkerTlsPlan{params.use_test_ca(), params.server_host_override()};
  return {};
}

Checked plan_client_payload(const ClientConfig& config, ClientPlan& plan) {
  const auto sizes = check_payload(config.payload_config());
  if (!sizes) return std::unexpected(sizes.error());
  plan.bytebuf = sizes->bytebuf;
  plan.request_bytes = sizes->request;
  plan.reply_bytes = sizes->reply;
  return {};
}

}  // namespace

std::expected<ServerPlan, Status> check_server_config(const ServerConfig& config,
                                                      const WorkerMeans& means) {
  ServerPlan plan;
  Checked checked = check_server(config);
  if (checked) checked = check_server_security(config, means);
  if (checked) checked = plan_server_payload(config, plan);
  if (!checked) return std::unexpected(std::move(checked.error()));
  plan.port = static_cast<uint16_t>(config.port());
  plan.threads = threads_of(config, config.async_server_threads(), means);
  plan.cores = threads_of(config, 0, means);
  plan.tls = config.has_security_params();
  return plan;
}

std::expected<ClientPlan, Status> check_client_config(const ClientConfig& config,
                                                      const WorkerMeans& means) {
  ClientPlan plan;
  plan.rpc_type = config.rpc_type();
  Checked checked = check_client(config);
  if (checked) checked = plan_targets(config, plan);
  if (checked) checked = plan_load(config, plan);
  if (checked) checked = plan_histogram(config, plan);
  if (checked) checked = plan_client_security(config, means, plan);
  if (checked) checked = plan_client_payload(config, plan);
  if (!checked) return std::unexpected(std::move(checked.error()));
  plan.channels = static_cast<uint32_t>(config.client_channels());
  plan.calls_per_channel = static_cast<uint32_t>(config.outstanding_rpcs_per_channel());
  plan.threads = std::min(threads_of(config, config.async_client_threads(), means), plan.channels);
  plan.messages_per_stream = static_cast<uint64_t>(config.messages_per_stream());
  return plan;
}

}  // namespace saker::app
