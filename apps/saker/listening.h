// What the commands that listen do alike, before they serve anything: the process's limits, the flag
// --listen, and the lines that say where they listen. serve has more to say of its listeners, and
// says it itself.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <vector>

#include "saker/base/result.h"
#include "saker/net/address.h"

namespace saker::app {

// A descriptor for each connection, and readers of our output that may go away.
void prepare_server_process();

// --listen ADDR, repeatable.
CLI::Option* add_listen(CLI::App& command, std::vector<net::Address>& out);

// Has `listen` listen on each, and prints "listening on ADDR", as bound, to stdout. The first that
// fails ends it.
Result<void> open_listeners(std::span<const net::Address> addresses,
                            const std::function<Result<net::Address>(const net::Address&)>& listen);

}  // namespace saker::app
