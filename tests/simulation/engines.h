// Engines: both ends of a world's connections as HTTP/2 sees them, with what the network calls them. No
// class of the library shows its connections to anybody; engines.cc opens what it needs of them, and
// nothing else here does. To be looked at between turns only.
#pragma once

#include <cstdint>
#include <functional>

#include "saker/rpc/channel.h"
#include "saker/rpc/server_loop.h"

namespace saker::simulation {

// `id`: the same at both ends.
using VisitServer = std::function<void(uint64_t id, rpc::ServerConnection& connection)>;
using VisitClient = std::function<void(uint64_t id, rpc::ClientConnection& connection)>;

void each_connection(rpc::ServerLoop& server, const VisitServer& visit);
void each_connection(rpc::Channel& channel, const VisitClient& visit);

}  // namespace saker::simulation
