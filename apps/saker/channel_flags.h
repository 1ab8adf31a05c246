// --balance and --service-config: how a client command spreads and repeats its calls.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "saker/rpc/client_options.h"
#include "saker/rpc/service_config.h"

namespace saker::app {

struct ChannelFlags {
  rpc::Balancing balancing = rpc::Balancing::kDefault;
  std::shared_ptr<const rpc::ServiceConfig> service_config;
  std::string service_config_file;  // where it is from

  // One of several targets has all connections.
  bool picks_first() const {
    const bool configured =
        service_config != nullptr && service_config->balancing() == rpc::Balancing::kPickFirst;
    if (balancing == rpc::Balancing::kDefault) return configured;
    return balancing == rpc::Balancing::kPickFirst;
  }
  void apply(rpc::ChannelOptions& options) const {
    options.balancing = balancing;
    options.service_config = service_config;
  }
};

void add_channel_flags(CLI::App& command, ChannelFlags& out);

}  // namespace saker::app
