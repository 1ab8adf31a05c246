// HealthCheck: whether a connection's server is healthy, as it says itself on a
// grpc.health.v1.Health/Watch stream that lasts as long as the connection (gRFC A17). Until it has
// said so, and while it says otherwise, the connection takes no calls. Belongs to its connection, on
// which alone it calls: never started over elsewhere, under no service config, counted as no call.
//
//   kAsking ──SERVING──▶ kHealthy ◀──▶ kUnhealthy ◀──any other status── kAsking
//   the stream ends:  UNIMPLEMENTED      ▶ kHealthy for good
//                     after an answer    ▶ kAsking, at once
//                     without an answer  ▶ kUnhealthy ──back-off──▶ kAsking
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "saker/rpc/backoff.h"
#include "saker/rpc/client_call.h"

namespace saker::rpc {

// HealthCheckRequest and the status of a HealthCheckResponse (grpc/health/v1/health.proto).
std::string encode_health_request(std::string_view service);
// Nothing: it does not parse.
std::optional<uint64_t> parse_health_status(Bytes response);

class HealthCheck final : private ClientCall, private net::Timer {
 public:
  enum class State : uint8_t { kAsking, kHealthy, kUnhealthy };

  // `service`: whose health is asked for; empty: the server's. Outlives this.
  HealthCheck(Channel& channel, ClientConnection& connection, const std::string& service);
  ~HealthCheck() override;

  State state() const { return state_; }
  // Of kUnhealthy: "T is not healthy: …".
  const std::string& why() const { return why_; }
  // Outside of events: opens the stream where one is due and the connection takes it.
  void start_if_due();
  // For good: the connection takes no more calls.
  void stop();
  bool is_user(const void* stream_user) const {
    return stream_user == static_cast<const ClientCall*>(this);
  }

 private:
  void on_open() override;
  void on_data(Bytes data, bool end) override;
  void run() override;
  bool replayable() const override { return false; }
  void on_done() override;
  void on_timer(Time now) override;

  bool take(grpc::ReceivedMessage& message);
  void set(State state, const std::string& what = {});

  Channel& channel_;
  ClientConnection& connection_;
  const std::string& service_;
  Backoff backoff_;
  std::string why_;
  State state_ = State::kAsking;
  uint64_t said_ = 0;  // the last ServingStatus
  bool has_answered_ = false;
  bool due_ = true;
  bool stopped_ = false;
};

}  // namespace saker::rpc
