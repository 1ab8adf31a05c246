// What the example servers share: listen, say where, serve until SIGTERM or SIGINT, drain.
#pragma once

#include <csignal>
#include <cstdio>
#include <string>

#include "saker/rpc/server.h"

// The signals must be blocked before the server starts its threads, so that none of those gets them.
inline sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Returns main()'s exit code. All methods are registered by now.
inline int run_server(saker::rpc::Server& server, const std::string& address) {
  const auto listen_on = saker::net::parse_address(address);
  if (!listen_on) {
    std::fprintf(stderr, "%s\n", listen_on.error().message.c_str());
    return 2;
  }
  const sigset_t signals = block_signals();
  if (const auto prepared = server.prepare(); !prepared) {
    std::fprintf(stderr, "%s\n", prepared.error().message.c_str());
    return 2;
  }
  const auto bound = server.listen(*listen_on);
  if (!bound) {
    std::fprintf(stderr, "%s\n", bound.error().message.c_str());
    return 2;
  }
  server.start();
  std::printf("listening on %s\n", saker::net::to_string(*bound).c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  server.shut_down();  // no new connections; calls in flight have ServerOptions::drain_timeout
  server.wait();
  return 0;
}
