#include "plan.h"

#include <algorithm>

#include "saker/net/random.h"
#include "saker/rpc/service_config.h"

namespace saker::simulation {
namespace {

constexpr std::string_view kRetryConfig = R"({
  "methodConfig": [{"name": [{"service": "sim.S"}],
    "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.005s", "maxBackoff": "0.1s",
                    "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]})";
constexpr std::string_view kThrottledConfig = R"({
  "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.5},
  "methodConfig": [{"name": [{"service": "sim.S"}],
    "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.005s", "maxBackoff": "0.1s",
                    "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]})";
constexpr std::string_view kHedgingConfig = R"({
  "methodConfig": [{"name": [{"service": "sim.S"}],
    "hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.004s",
                      "nonFatalStatusCodes": ["UNAVAILABLE"]}}]})";

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed ^ 0x73616b65'72706c6e) {}
  bool chance(double probability) { return random_.chance(probability); }
  size_t between(size_t least, size_t most) { return least + random_.below(most - least + 1); }
  // Often 0, otherwise up to `most`, small values as likely as large ones.
  double share(double often_zero, double most) {
    if (random_.chance(often_zero)) return 0;
    double value = most;
    for (size_t halvings = between(0, 4); halvings != 0; --halvings) value /= 2;
    return value;
  }
  Duration duration(Duration least, Duration most) {
    const auto range = static_cast<uint64_t>((most - least).count());
    return least + Duration(static_cast<int64_t>(random_.below(range + 1)));
  }

 private:
  net::Random random_;
};

// What every mood may have: nothing is lost by it.
void draw_slowness(Draw& draw, Plan& plan) {
  net::SimFaults& faults = plan.faults;
  faults.short_read = draw.share(0.2, 0.6);
  faults.short_write = draw.share(0.2, 0.6);
  faults.late_write = draw.share(0.2, 0.8);
  faults.delay = draw.share(0.4, 0.1);
  faults.delay_max = draw.duration(1ms, 100ms);
  faults.latency_min = draw.duration(5us, 200us);
  faults.latency_max = faults.latency_min + draw.duration(0us, 2ms);
  faults.window_bytes = draw.between(8 * 1024, 256 * 1024);
  faults.fail_accept = draw.share(0.7, 0.5);
  if (plan.mood != Mood::kRolling) {
    faults.slow_reader = draw.share(0.6, 0.3);
    faults.slow_writer = draw.share(0.6, 0.3);
    faults.slow_bytes = draw.between(512, 8192);
    faults.slow_pause = draw.duration(1ms, 10ms);
  }
}

void draw_losses(Draw& draw, Plan& plan) {
  net::SimFaults& faults = plan.faults;
  faults.reset = draw.share(0.3, 0.005);
  faults.half_close = draw.share(0.4, 0.003);
  faults.black_hole = draw.share(0.4, 0.003);
  faults.refuse_connect = draw.share(0.4, 0.3);
  faults.lose_connect = draw.share(0.5, 0.2);
  faults.fail_connect = draw.share(0.6, 0.2);
  faults.fail_adopt = draw.share(0.4, 0.3);
  faults.fail_resolve = draw.share(0.2, 0.8);
  // Only pings end what nobody answers.
  plan.channel.keepalive = {.time = 10s, .timeout = 5s, .permit_without_calls = false};
  plan.server.keepalive = {.time = 20s, .timeout = 10s, .permit_without_calls = true};
  plan.channel.connect.timeout = draw.duration(1s, 20s);
}

void draw_connections(Draw& draw, Plan& plan) {
  h2::ConnectionOptions& server = plan.server.connection;
  h2::ConnectionOptions& client = plan.channel.connection;
  plan.channel.connections = draw.between(1, 3);
  plan.channel.connect_eagerly = draw.chance(0.2);
  plan.few_streams = draw.chance(0.2);
  if (plan.few_streams) server.max_concurrent_streams = static_cast<uint32_t>(draw.between(1, 8));
  for (h2::ConnectionOptions* side : {&server, &client}) {
    side->adaptive_window = draw.chance(0.7);
    if (draw.chance(0.3)) {
      side->initial_stream_window_bytes = static_cast<uint32_t>(draw.between(300, 100'000));
    }
    if (draw.chance(0.3)) side->header_table_bytes = static_cast<uint32_t>(draw.between(0, 4096));
    if (draw.chance(0.3)) {
      side->max_frame_bytes = static_cast<uint32_t>(draw.between(16'384, 100'000));
    }
    if (draw.chance(0.2)) {
      side->output_cap_bytes = static_cast<uint32_t>(draw.between(1, 40'000));
    }
    // Slow peers are waited for: what is tested is that nothing is lost.
    if (plan.mood != Mood::kRough) side->no_progress_timeout = 1h;
    if (plan.mood != Mood::kRough) side->drain_ping_timeout = side->drain_ping_timeout_idle = 1h;
  }
  if (plan.mood != Mood::kRough) plan.server.write_stall_timeout = 1h;
  plan.tight_memory = draw.chance(0.25);
  plan.server.max_receive_message_bytes = plan.channel.max_receive_message_bytes = kMessageLimit;
  // What is too large is refused by its sender, or by who receives it.
  plan.server.max_send_message_bytes = draw.chance(0.5) ? kMessageLimit : 2 * kMessageLimit;
  plan.channel.max_send_message_bytes = draw.chance(0.5) ? kMessageLimit : 2 * kMessageLimit;
  if (plan.tight_memory) plan.server.max_connection_memory_bytes = kMessageLimit;
}

// With the usual limits hardly a read of these worlds takes more than one turn.
void draw_turns(Draw& draw, Plan& plan) {
  if (!draw.chance(1.0 / 3)) return;
  rpc::TurnLimits& turn = plan.server.turn;
  turn.work = static_cast<uint32_t>(draw.between(1, 64));
  turn.message_bytes = draw.between(16 * 1024, 128 * 1024);
  turn.least_message_bytes = draw.between(1, 8 * 1024);
}

void draw_life(Draw& draw, Plan& plan) {
  rpc::ConnectionAgeOptions& age = plan.server.age;
  plan.channel.min_resolution_interval = draw.duration(100ms, 5s);
  plan.channel.max_backoff = draw.duration(1s, 10s);
  plan.channel.initial_backoff = draw.duration(10ms, 1s);
  if (draw.chance(0.2)) plan.channel.idle_timeout = draw.duration(50ms, 2s);
  if (plan.mood == Mood::kGentle) return;
  if (draw.chance(0.4)) age.max_age = draw.duration(300ms, 3s);
  if (draw.chance(0.2)) age.max_idle = draw.duration(200ms, 2s);
  if (plan.mood == Mood::kRough && draw.chance(0.5)) age.age_grace = draw.duration(10ms, 500ms);
  plan.chaos = draw.duration(20ms, 400ms);
}

void draw_calls(Draw& draw, Plan& plan) {
  plan.calls = draw.between(400, 2000);
  plan.at_once = draw.between(1, draw.chance(0.3) ? 100 : 12);
  plan.think = draw.duration(0us, draw.chance(0.5) ? 2ms : 30ms);
  Mix& mix = plan.mix;
  mix.streams = draw.share(0.1, 0.6);
  mix.later = draw.share(0.2, 0.8);
  mix.failing = draw.share(0.3, 0.3);
  mix.cancelled = draw.share(0.3, 0.15);
  mix.abandoned = draw.share(0.5, 0.05);
  mix.deadlines = draw.share(0.3, 0.4);
  mix.metadata = draw.share(0.2, 1);
  mix.impatient = draw.share(0.2, 1);
  if (!plan.few_streams && draw.chance(0.3)) mix.napping = 0.2;
  const size_t weight = draw.between(0, 99);
  if (weight >= 70) {  // some large messages
    plan.large = 0.05;
    plan.large_bytes = 60'000;
  }
  if (weight >= 92) {  // few calls, large messages
    plan.large = 0.3;
    plan.large_bytes = kMessageLimit;
    plan.calls /= 4;
  }
  plan.usual_bytes = draw.chance(0.5) ? 64 : 1024;
}

void draw_policy(Draw& draw, Plan& plan) {
  if (draw.chance(0.65)) return;
  plan.policy = draw.chance(0.6) ? Policy::kRetry : Policy::kHedge;
  const std::string_view text = plan.policy == Policy::kHedge ? kHedgingConfig
                                : draw.chance(0.3)            ? kThrottledConfig
                                                              : kRetryConfig;
  auto config = rpc::ServiceConfig::parse(text);
  if (config) {
    plan.channel.service_config = std::make_shared<const rpc::ServiceConfig>(*std::move(config));
  }
}

// So many large requests may arrive at once that they meet the usual limit too. A message that is
// being put together takes up to twice its size.
bool may_use_up_memory(const Plan& plan) {
  const size_t attempts = plan.policy == Policy::kHedge ? kMaxAttempts : 1;
  const size_t most = plan.at_once * attempts * 2 * plan.large_bytes;
  return most > plan.server.max_connection_memory_bytes;
}

// Much less of what waits for windows, and for handlers, is kept than there is to be said.
void draw_limits(Draw& draw, Plan& plan) {
  plan.small_limits = !plan.slow_clients && draw.chance(0.25);
  if (!plan.small_limits) return;
  const auto size = [&](size_t least, size_t most) {
    return static_cast<uint32_t>(draw.between(least, most));
  };
  for (h2::ConnectionOptions* side : {&plan.server.connection, &plan.channel.connection}) {
    side->max_unsent_bytes = size(10'000, 300'000);
    side->max_unread_bytes = size(10'000, 300'000);
    side->max_window_bytes = size(h2::kDefaultWindowBytes, 300'000);
    side->initial_connection_window_bytes = size(h2::kDefaultWindowBytes, side->max_window_bytes);
  }
  if (draw.chance(0.5)) return;
  plan.tight_memory = true;
  plan.server.max_connection_memory_bytes = kMessageLimit;
  plan.server.max_send_message_bytes = kMessageLimit;
}

// Clients take 5 to 12 kB/s and ask for more than that all the time, for minutes: the server's output
// is full for longer than it waits for the rest of a frame, which it does not read meanwhile.
void draw_slow_clients(Draw& draw, Plan& plan) {
  plan.slow_clients = plan.mood == Mood::kGentle && draw.chance(0.3);
  if (!plan.slow_clients) return;
  plan.faults.slow_reader = 1;
  plan.faults.slow_bytes = draw.between(250, 500);
  plan.faults.slow_pause = draw.duration(40ms, 50ms);
  plan.faults.window_bytes = draw.between(4096, 16'384);
  plan.backends = plan.channel.connections = 1;
  plan.server.connection.output_cap_bytes = static_cast<uint32_t>(draw.between(60'000, 150'000));
  plan.channel.connection.initial_stream_window_bytes = h2::kDefaultWindowBytes;
  plan.calls = draw.between(100, 400);
  plan.at_once = draw.between(30, 60);
  plan.large = 0.9;
  plan.large_bytes = 30'000;  // written at once, not in turns with others
  plan.mix.deadlines /= 4;
}

std::string_view mood_name(Mood mood) {
  constexpr std::string_view kNames[] = {"gentle", "rolling", "rough"};
  return kNames[static_cast<size_t>(mood)];
}

}  // namespace

Plan make_plan(uint64_t seed) {
  Draw draw(seed);
  Plan plan;
  plan.seed = seed;
  const size_t mood = draw.between(0, 9);
  plan.mood = mood < 2 ? Mood::kGentle : mood < 5 ? Mood::kRolling : Mood::kRough;
  plan.backends = draw.between(1, 3);
  plan.clients = draw.between(1, 3);
  plan.by_name = draw.chance(0.5);
  draw_slowness(draw, plan);
  if (plan.mood == Mood::kRough) draw_losses(draw, plan);
  draw_connections(draw, plan);
  draw_turns(draw, plan);
  draw_life(draw, plan);
  draw_calls(draw, plan);
  draw_policy(draw, plan);
  constexpr rpc::Balancing kWays[] = {rpc::Balancing::kDefault, rpc::Balancing::kPickFirst,
                                      rpc::Balancing::kRoundRobin,
                                      rpc::Balancing::kLeastOutstanding};
  plan.channel.balancing = kWays[draw.between(0, 3)];
  plan.failed_allocations = draw.share(0.4, 0.8);
  plan.runs_short = draw.chance(0.5);
  draw_slow_clients(draw, plan);
  draw_limits(draw, plan);
  plan.tight_memory = plan.tight_memory || may_use_up_memory(plan);
  return plan;
}

std::string describe(const Plan& plan) {
  constexpr std::string_view kPolicies[] = {"", ", retries", ", hedging"};
  std::string text(mood_name(plan.mood));
  text += ": " + std::to_string(plan.calls) + " calls of " + std::to_string(plan.clients) +
          " clients, " + std::to_string(plan.at_once) + " at once, to " +
          std::to_string(plan.backends) + " servers";
  text += kPolicies[static_cast<size_t>(plan.policy)];
  if (plan.few_streams) text += ", few streams";
  if (plan.tight_memory) text += ", tight memory";
  if (plan.slow_clients) text += ", slow clients";
  if (plan.small_limits) text += ", small limits";
  if (plan.runs_short && plan.chaos != Duration{}) text += ", memory runs short";
  if (plan.failed_allocations != 0) text += ", allocations fail";
  return text;
}

}  // namespace saker::simulation
