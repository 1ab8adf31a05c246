// CallSpec: one call as it is meant to be, on both sides: what is sent, what the handler makes of
// it, what its caller does to it on the way. Contents follow from its number, so that each side can
// tell whether it got what it should.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "saker/grpc/status.h"
#include "saker/net/random.h"

#include "plan.h"

namespace saker::simulation {

enum class CallKind : uint8_t { kUnary, kUnaryLater, kCollect, kExpand, kBidi, kUnknown };
// Which message is larger than one of the sides takes, or sends.
enum class Oversize : uint8_t { kNone, kRequest, kReply };
// What its caller does to it before its end.
enum class Intent : uint8_t { kWait, kCancel, kAbandon };

struct CallSpec {
  uint64_t id = 0;
  CallKind kind = CallKind::kUnary;
  Oversize oversize = Oversize::kNone;
  Intent intent = Intent::kWait;
  Duration intent_after{};
  grpc::StatusCode code = grpc::StatusCode::kOk;  // what the handler says
  uint32_t failures = 0;                          // attempts that end UNAVAILABLE before that
  uint32_t requests = 1;
  uint32_t replies = 1;              // of kExpand
  uint32_t stop_after = UINT32_MAX;  // requests that the handler reads
  uint32_t request_bytes = 0;
  uint32_t reply_bytes = 0;
  uint32_t note_bytes = 0;  // of metadata, both ways
  Duration handler_time{};
  std::optional<Duration> timeout;
  bool naps = false;  // the handler does not hear of cancellation
  bool has_metadata = false;
  bool wait_for_ready = false;
  bool compressed = false;
  bool floods = false;      // writes without asking whether it may
  bool ping_pong = false;   // each request waits for the reply before it
  bool ends_apart = false;  // END_STREAM in a frame of its own
  bool pauses = false;      // reads with interruptions

  bool is_unary() const { return kind <= CallKind::kUnaryLater || kind == CallKind::kUnknown; }
  uint32_t request_size(uint32_t index) const { return request_bytes + index % 7; }
  uint32_t requests_read() const { return requests < stop_after ? requests : stop_after; }
  // Replies of a call that ends OK.
  uint32_t expected_replies() const;
};

CallSpec draw_call(const Plan& plan, net::Random& random, uint64_t id);

enum class Side : uint8_t { kRequest, kReply };
// The message's bytes; the first eight are the call's number where there is room.
void fill(std::string& bytes, uint64_t id, Side side, uint32_t index, size_t size);
bool is_filled(const std::string& bytes, uint64_t id, Side side, uint32_t index, size_t size);
uint64_t id_of(const std::string& bytes);
// Metadata's value.
std::string note(uint64_t id, size_t size);

}  // namespace saker::simulation
