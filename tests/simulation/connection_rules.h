// What must hold of each connection of a world whatever happens to it: a server's never holds more than
// the world's configuration allows (docs/limits.md, The memory of one connection), and where nothing is
// under way both ends agree on windows and HPACK tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "saker/h2/connection.h"
#include "saker/rpc/server_connection.h"

#include "plan.h"

namespace saker::simulation {

// How often was looked at what; sums up over runs.
struct ConnectionCounts {
  uint64_t weighed = 0;   // looks at a server's connection's memory
  size_t most_bytes = 0;  // seen of one
  double fullest = 0;     // share of its limit, of 1
  uint64_t compared = 0;  // pairs of ends, at rest

  void add(const ConnectionCounts& other);
};

// The most that memory_bytes() may be of a server's connection with so many calls. Metadata and what
// handlers keep are not among those bytes.
size_t memory_limit(const rpc::ServerOptions& options, uint64_t calls);

// Nothing waits to be sent, and no call is open.
bool is_at_rest(const h2::Connection& engine);
// Both at rest, and nothing on the way between them. Empty: they agree.
std::string difference_of(const h2::Connection& client, const h2::Connection& server);

}  // namespace saker::simulation
