// Plan: what one seed is about: how rough the world is, how many processes, with which options, what
// their calls are like. Everything follows from the seed; nothing here runs anything.
#pragma once

#include <cstdint>
#include <string>

#include "saker/net/sim_faults.h"
#include "saker/rpc/client_options.h"
#include "saker/rpc/server_options.h"

namespace saker::simulation {

using namespace std::chrono_literals;

// What may happen to a run, and so which ends of calls need an explanation.
enum class Mood : uint8_t {
  kGentle,   // slow, late, in pieces: nothing is lost, each call ends as it was meant to
  kRolling,  // servers drain and are replaced all the time: no call that was accepted is lost
  kRough,    // everything breaks: calls may end UNAVAILABLE, but each ends, once, in time
};
enum class Policy : uint8_t { kNone, kRetry, kHedge };

// Shares of all calls, from 0 to 1.
struct Mix {
  double streams = 0.25;
  double later = 0.25;  // of unary calls: handlers that sleep
  double failing = 0.1;
  double cancelled = 0.08;
  double abandoned = 0.03;
  double deadlines = 0.15;
  double oversize = 0.005;
  double metadata = 0.3;
  double compressed = 0.01;
  double napping = 0;  // handlers that do not hear of cancellation
  double pausing = 0.1;
  double impatient = 0.5;  // calls that do not wait for a connection
};

struct Plan {
  uint64_t seed = 0;
  Mood mood = Mood::kGentle;
  Policy policy = Policy::kNone;
  net::SimFaults faults;
  rpc::ServerOptions server;
  rpc::ChannelOptions channel;
  Mix mix;
  size_t backends = 1;
  size_t clients = 1;
  size_t calls = 0;    // of all clients
  size_t at_once = 1;  // of each client
  size_t usual_bytes = 64;
  size_t large_bytes = 4096;
  double large = 0.1;        // share of messages up to large_bytes
  Duration think = 1ms;      // between two calls of one caller, at most
  Duration chaos{};          // between two things that happen to processes; 0: nothing does
  bool by_name = false;      // clients know a name, not addresses
  bool few_streams = false;  // a limit on streams that calls meet
  bool tight_memory = false;
  bool runs_short = false;        // chaos takes memory away
  bool slow_clients = false;      // they take less than they ask for, for minutes, and are honest
  bool small_limits = false;      // of what connections keep for a peer that does not read, or does
  double failed_allocations = 0;  // share of those that may fail
};

// The largest message that both sides take in every plan.
inline constexpr uint32_t kMessageLimit = 256 * 1024;
inline constexpr uint32_t kMaxAttempts = 3;

Plan make_plan(uint64_t seed);
// In one line, for a trace.
std::string describe(const Plan& plan);

}  // namespace saker::simulation
