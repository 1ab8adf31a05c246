#include "channel_flags.h"

#include "command_line.h"
#include "read_file.h"

namespace saker::app {
namespace {

using SharedConfig = std::shared_ptr<const rpc::ServiceConfig>;

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;

Result<rpc::Balancing> parse_balance(std::string_view name) {
  const auto balancing = rpc::parse_balancing(name);
  if (balancing) return *balancing;
  return fail("'" + std::string(name) + "' is none of pick_first, round_robin, least_outstanding");
}

Result<SharedConfig> read_service_config(std::string_view path) {
  const auto text = read_file(std::string(path), kMaxConfigBytes);
  if (!text) return std::unexpected(text.error());
  auto config = rpc::ServiceConfig::parse(*text);
  if (!config) return fail(std::string(path) + ": " + config.error().message);
  return std::make_shared<const rpc::ServiceConfig>(*std::move(config));
}

}  // namespace

void add_channel_flags(CLI::App& command, ChannelFlags& out) {
  add_parsed<rpc::Balancing>(command, "--balance", out.balancing, parse_balance,
                             "who of several servers takes a call: pick_first, round_robin or "
                             "least_outstanding")
      ->type_name("NAME")
      ->default_str("least_outstanding; of one name's addresses pick_first");
  const auto assign = [&out](const std::string& path) {
    auto config = read_service_config(path);
    if (!config) return;
    out.service_config = *std::move(config);
    out.service_config_file = path;
  };
  const auto check = [](const std::string& path) {
    const auto config = read_service_config(path);
    return config ? std::string() : config.error().message;
  };
  command
      .add_option_function<std::string>(
          "--service-config", assign,
          "gRPC service config in JSON: timeouts, retries, hedging, balancing")
      ->check(check)
      ->type_name("FILE");
}

}  // namespace saker::app
