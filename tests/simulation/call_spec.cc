#include "call_spec.h"

#include <algorithm>
#include <cstring>

namespace saker::simulation {
namespace {

using grpc::StatusCode;

constexpr StatusCode kApplicationCodes[] = {
    StatusCode::kInvalidArgument,    StatusCode::kNotFound,         StatusCode::kAlreadyExists,
    StatusCode::kFailedPrecondition, StatusCode::kAborted,          StatusCode::kOutOfRange,
    StatusCode::kDataLoss,           StatusCode::kPermissionDenied, StatusCode::kUnauthenticated};

constexpr uint32_t kSmallRequest = 64;

uint32_t draw_size(const Plan& plan, net::Random& random) {
  const size_t most = random.chance(plan.large) ? plan.large_bytes : plan.usual_bytes;
  return static_cast<uint32_t>(random.below(most - 6));
}

Duration draw_time(net::Random& random, Duration most) {
  return Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>(most.count()) + 1)));
}

CallKind draw_kind(const Plan& plan, net::Random& random) {
  if (random.chance(0.002)) return CallKind::kUnknown;
  if (random.chance(plan.mix.streams)) {
    constexpr CallKind kStreams[] = {CallKind::kCollect, CallKind::kExpand, CallKind::kBidi};
    return kStreams[random.below(3)];
  }
  return random.chance(plan.mix.later) ? CallKind::kUnaryLater : CallKind::kUnary;
}

void draw_messages(const Plan& plan, net::Random& random, CallSpec& call) {
  call.request_bytes = draw_size(plan, random);
  call.reply_bytes = draw_size(plan, random);
  if (plan.slow_clients) call.request_bytes %= kSmallRequest;  // or replies come as slowly as those
  const uint64_t most = plan.large_bytes == kMessageLimit || random.chance(0.9) ? 8 : 60;
  const bool many_requests = call.kind == CallKind::kCollect || call.kind == CallKind::kBidi;
  if (many_requests) {
    call.requests = static_cast<uint32_t>(random.below(most));
    if (random.chance(0.1)) call.stop_after = static_cast<uint32_t>(random.below(4));
    call.floods = random.chance(0.2);
    call.ping_pong = call.kind == CallKind::kBidi && random.chance(0.4);
    call.ends_apart = random.chance(0.5);
  }
  if (call.kind == CallKind::kExpand) call.replies = static_cast<uint32_t>(random.below(most));
  call.pauses = random.chance(plan.mix.pausing);
  // Exactly at the limit, some of them.
  if (!call.is_unary() || plan.large_bytes != kMessageLimit) return;
  if (random.chance(0.05)) call.request_bytes = kMessageLimit;
  if (random.chance(0.05)) call.reply_bytes = kMessageLimit;
}

void draw_end(const Plan& plan, net::Random& random, CallSpec& call) {
  const Mix& mix = plan.mix;
  if (random.chance(mix.failing)) {
    call.code = kApplicationCodes[random.below(std::size(kApplicationCodes))];
  }
  if (plan.policy != Policy::kNone && random.chance(0.1)) {
    call.failures = 1 + static_cast<uint32_t>(random.below(kMaxAttempts));
  }
  call.handler_time = call.kind == CallKind::kUnary ? Duration{} : draw_time(random, 10ms);
  if (random.chance(0.3)) call.handler_time = Duration{};
  call.naps = random.chance(mix.napping);
  if (random.chance(mix.cancelled)) call.intent = Intent::kCancel;
  if (random.chance(mix.abandoned)) call.intent = Intent::kAbandon;
  if (random.chance(0.7)) call.intent_after = draw_time(random, random.chance(0.5) ? 1ms : 20ms);
  if (random.chance(mix.deadlines)) {
    call.timeout = random.chance(0.02)  ? Duration{}
                   : random.chance(0.3) ? draw_time(random, 2ms)
                                        : draw_time(random, 500ms);
  }
}

void draw_oversize(net::Random& random, CallSpec& call) {
  if (call.kind > CallKind::kUnaryLater) return;
  const bool is_request = random.chance(0.5);
  call.oversize = is_request ? Oversize::kRequest : Oversize::kReply;
  (is_request ? call.request_bytes : call.reply_bytes) = kMessageLimit + 1;
  call.code = StatusCode::kOk;
  call.failures = 0;
}

uint64_t pattern_of(uint64_t id, Side side, uint32_t index) {
  uint64_t x = id * 2 + static_cast<uint64_t>(side) + (uint64_t{index} << 40);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  return (x ^ (x >> 27)) * 0x94D049BB133111EB;
}

constexpr uint64_t kStep = 0x9E3779B97F4A7C15;

// The words of a message one after the other: visit(offset, word, size).
template <typename Visit>
bool each_word(uint64_t id, Side side, uint32_t index, size_t size, Visit visit) {
  uint64_t word = id;
  uint64_t pattern = pattern_of(id, side, index);
  for (size_t at = 0; at < size; at += sizeof word) {
    if (!visit(at, word, std::min(sizeof word, size - at))) return false;
    word = pattern;
    pattern += kStep;
  }
  return true;
}

}  // namespace

uint32_t CallSpec::expected_replies() const {
  if (kind == CallKind::kExpand) return replies;
  return kind == CallKind::kBidi ? requests_read() : 1;
}

CallSpec draw_call(const Plan& plan, net::Random& random, uint64_t id) {
  CallSpec call;
  call.id = id;
  call.kind = draw_kind(plan, random);
  draw_messages(plan, random, call);
  draw_end(plan, random, call);
  if (random.chance(plan.mix.oversize)) draw_oversize(random, call);
  call.wait_for_ready = !random.chance(plan.mix.impatient);
  call.compressed = random.chance(plan.mix.compressed);
  call.has_metadata = !call.is_unary() || call.request_bytes < sizeof call.id ||
                      plan.policy != Policy::kNone || random.chance(plan.mix.metadata);
  if (random.chance(0.5)) call.note_bytes = static_cast<uint32_t>(random.below(200));
  return call;
}

void fill(std::string& bytes, uint64_t id, Side side, uint32_t index, size_t size) {
  bytes.resize(size);
  each_word(id, side, index, size, [&](size_t at, uint64_t word, size_t count) {
    if (count == sizeof word) {
      std::memcpy(bytes.data() + at, &word, sizeof word);
    } else {
      std::memcpy(bytes.data() + at, &word, count);
    }
    return true;
  });
}

bool is_filled(const std::string& bytes, uint64_t id, Side side, uint32_t index, size_t size) {
  if (bytes.size() != size) return false;
  return each_word(id, side, index, size, [&](size_t at, uint64_t word, size_t count) {
    if (count != sizeof word) return std::memcmp(bytes.data() + at, &word, count) == 0;
    uint64_t found = 0;
    std::memcpy(&found, bytes.data() + at, sizeof found);
    return found == word;
  });
}

uint64_t id_of(const std::string& bytes) {
  uint64_t id = UINT64_MAX;
  if (bytes.size() >= sizeof id) std::memcpy(&id, bytes.data(), sizeof id);
  return id;
}

std::string note(uint64_t id, size_t size) {
  std::string text(size, ' ');
  uint64_t pattern = pattern_of(id, Side::kRequest, 0);
  for (char& letter : text) {
    letter = static_cast<char>('a' + pattern % 26);
    pattern = pattern * 6364136223846793005 + 1442695040888963407;
  }
  return text;
}

}  // namespace saker::simulation
