#include "ledger.h"

#include <bit>

#include "saker/net/timer.h"

namespace saker::simulation {
namespace {

using grpc::StatusCode;

// One side says this of the other when it has broken the protocol, or of itself. Both are ours.
constexpr std::string_view kBreaches[] = {
    "PROTOCOL_ERROR",   "INTERNAL_ERROR",    "FLOW_CONTROL_ERROR", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "COMPRESSION_ERROR", "HTTP_1_1_REQUIRED",  "malformed"};

// What is said to a peer that is too slow, or wants too much.
constexpr std::string_view kImpatience[] = {"ENHANCE_YOUR_CALM", "SETTINGS_TIMEOUT"};
// For a peer's last words to be taken by who is slow.
constexpr Duration kLastWords = 1min;

constexpr std::string_view kShortOfMemory = "the server is short of memory";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

void CallCounts::add(const CallCounts& other) {
  started += other.started;
  handled += other.handled;
  messages += other.messages;
  bytes += other.bytes;
  retried += other.retried;
  cancelled += other.cancelled;
  abandoned += other.abandoned;
  oversize += other.oversize;
  out_of_memory += other.out_of_memory;
  refused += other.refused;
  keepalive += other.keepalive;
  for (size_t code = 0; code < by_code.size(); ++code) by_code[code] += other.by_code[code];
}

void Ledger::violate(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

std::string Ledger::text_of(const CallRecord& call) const {
  constexpr const char* kKinds[] = {"unary", "unary", "collect", "expand", "bidi", "unknown"};
  const CallSpec& spec = call.spec;
  std::string text = "call " + std::to_string(spec.id) + " (" +
                     kKinds[static_cast<size_t>(spec.kind)] + ", " + std::to_string(spec.requests) +
                     " requests of " + std::to_string(spec.request_bytes) + " B, replies of " +
                     std::to_string(spec.reply_bytes) + " B";
  if (spec.stop_after < spec.requests) text += ", stops after " + std::to_string(spec.stop_after);
  if (spec.compressed) text += ", compressed";
  if (call.cancelled) text += ", cancelled";
  return text + "; " + std::to_string(call.runs) + " handlers run, " +
         std::to_string(call.replies) + " replies)";
}

// ---- callers

CallRecord& Ledger::start(const CallSpec& spec) {
  auto call = std::make_unique<CallRecord>();
  call->spec = spec;
  call->started = network_.now();
  if (spec.timeout) call->deadline = call->started + *spec.timeout;
  calls_.push_back(std::move(call));
  ++counts_.started;
  return *calls_.back();
}

void Ledger::note_intent(CallRecord& call) {
  if (call.spec.intent == Intent::kCancel) {
    call.cancelled = true;
    ++counts_.cancelled;
    return;
  }
  call.abandoned = true;
  ++counts_.abandoned;
  ++ended_;
}

void Ledger::note_reply(CallRecord& call, const std::string& bytes) {
  const CallSpec& spec = call.spec;
  const uint32_t index = call.replies++;
  if (index == 0) call.committed = std::bit_width(call.attempts) - 1;
  ++counts_.messages;
  counts_.bytes += bytes.size();
  if (call.ended || call.abandoned) violate(text_of(call) + " gets a reply after its end");
  const bool is_echo = spec.kind == CallKind::kBidi;
  const size_t size = is_echo ? spec.request_size(index) : spec.reply_bytes;
  if (!is_filled(bytes, spec.id, is_echo ? Side::kRequest : Side::kReply, index, size)) {
    violate(text_of(call) + " gets another reply than number " + std::to_string(index));
  }
  if (call.replies > spec.expected_replies()) violate(text_of(call) + " gets a reply too many");
}

void Ledger::note_end(CallRecord& call, const grpc::Status& status,
                      const grpc::Metadata& trailers) {
  if (call.ended || call.abandoned) violate(text_of(call) + " ends a second time");
  call.ended = true;
  ++ended_;
  const uint64_t facts = call.spec.id << 8 | static_cast<uint64_t>(status.code);
  hash_ = (hash_ ^ facts) * 0x100000001B3 +
          static_cast<uint64_t>((network_.now() - call.started).count());
  check_conduct(call, status.message);
  if (!may_end(call, status)) {
    violate(text_of(call) + " ends " + std::string(grpc::status_code_name(status.code)) + ": " +
            status.message);
  }
  check_time(call, status);
  if (status.ok()) check_ok(call, trailers);
  count_end(call, status);
  check_memory(call);
}

void Ledger::check_conduct(const CallRecord& call, const std::string& message) {
  for (const std::string_view breach : kBreaches) {
    if (has(message, breach)) violate(text_of(call) + ": " + message);
  }
  for (const std::string_view impatience : kImpatience) {
    if (has(message, impatience) && !may_be_impatient(message)) {
      violate(text_of(call) + ", which was not too slow: " + message);
    }
  }
}

// Slow, late and in pieces is no reason; a clock that jumps is, and who hears nothing at all any more.
bool Ledger::may_be_impatient(const std::string& message) const {
  if (has(message, kShortOfMemory)) return sheddings_ != 0;
  if (plan_.mood != Mood::kRough) return false;
  if (last_long_jump_ && network_.now() - *last_long_jump_ < kLastWords) return true;
  const net::SimFaultCounts& faults = network_.counts();
  return has(message, "SETTINGS_TIMEOUT") &&
         faults[net::SimFault::kBlackHole] + faults[net::SimFault::kKilled] != 0;
}

void Ledger::count_end(const CallRecord& call, const grpc::Status& status) {
  ++counts_.by_code[static_cast<size_t>(status.code)];
  const bool is_exhausted = status.code == StatusCode::kResourceExhausted;
  const bool is_too_large = call.spec.oversize != Oversize::kNone;
  counts_.oversize += is_exhausted && is_too_large ? 1 : 0;
  const bool is_refused = is_exhausted && has(status.message, kShortOfMemory);
  counts_.refused += is_refused ? 1 : 0;
  counts_.out_of_memory += is_exhausted && !is_too_large && !is_refused ? 1 : 0;
  counts_.keepalive += has(status.message, "keepalive") ? 1 : 0;
  counts_.retried += std::popcount(call.attempts) > 1 ? 1 : 0;
}

// An allocation that fails ends one call at most.
void Ledger::check_memory(const CallRecord& call) {
  if (plan_.tight_memory || squeezes_ != 0 || counts_.out_of_memory <= allocations_.count()) return;
  violate(text_of(call) + " ends for want of memory, as " + std::to_string(counts_.out_of_memory) +
          " calls have, after " + std::to_string(allocations_.count()) + " failed allocations");
}

// One turn of the loop at the latest after the timer's tick; a clock that jumps takes both along.
void Ledger::check_time(const CallRecord& call, const grpc::Status& status) {
  const Time now = network_.now();
  if (call.deadline == kNever || now <= last_jump_) return;
  if (now > call.deadline + 2 * net::TimerWheel::kTick) {
    const auto late = std::chrono::duration_cast<std::chrono::microseconds>(now - call.deadline);
    violate(text_of(call) + " outlives its deadline by " + std::to_string(late.count()) +
            " us and ends " + std::string(grpc::status_code_name(status.code)) + ": " +
            status.message);
  }
}

void Ledger::check_ok(const CallRecord& call, const grpc::Metadata& trailers) {
  const CallSpec& spec = call.spec;
  if (call.runs == 0) violate(text_of(call) + " ends OK, and nobody handled it");
  if (call.replies != spec.expected_replies()) {
    violate(text_of(call) + " ends OK without all its replies");
  }
  if (spec.has_metadata && trailers.find("x-note").value_or("") != note(spec.id, spec.note_bytes)) {
    violate(text_of(call) + " ends with other trailing metadata");
  }
}

// ---- which ends there may be

bool Ledger::may_end(const CallRecord& call, const grpc::Status& status) const {
  const CallSpec& spec = call.spec;
  const bool is_as_meant = status.code == spec.code && spec.oversize == Oversize::kNone &&
                           spec.kind != CallKind::kUnknown && spec.failures < kMaxAttempts;
  if (is_as_meant && (status.ok() || status.message == "as meant")) return true;
  switch (status.code) {
    case StatusCode::kCancelled:
      return call.cancelled && status.message == "cancelled by the caller";
    case StatusCode::kDeadlineExceeded:
      return call.deadline <= network_.now();
    case StatusCode::kUnavailable:
      return may_end_unavailable(call, status.message);
    case StatusCode::kResourceExhausted:
      return may_end_exhausted(call, status.message);
    case StatusCode::kUnimplemented:
      return spec.kind == CallKind::kUnknown;
    default:
      return false;
  }
}

bool Ledger::may_end_unavailable(const CallRecord& call, const std::string& message) const {
  if (call.spec.failures != 0 && message == "not yet") return true;
  // Handlers that nobody waits for any more hold their places on the connection.
  if (plan_.few_streams && has(message, "REFUSED_STREAM")) return is_any_unwaited_for();
  if (plan_.mood == Mood::kGentle) return false;
  if (plan_.mood == Mood::kRough) return may_lose();
  // Attempts that were meant to fail are not what was accepted. What a drain has not accepted is started
  // over once (gRFC A6), and may meet the same drain on the next connection.
  const bool met_drains = has(message, "the server is going away, NO_ERROR");
  return call.runs <= call.spec.failures && !call.spec.wait_for_ready &&
         (restarts_ != 0 || met_drains);
}

bool Ledger::is_any_unwaited_for() const {
  if (plan_.policy == Policy::kHedge) return true;  // attempts that lost
  const auto of = [&](StatusCode code) { return counts_.by_code[static_cast<size_t>(code)]; };
  return counts_.cancelled + counts_.abandoned + counts_.oversize + counts_.out_of_memory +
             of(StatusCode::kCancelled) + of(StatusCode::kDeadlineExceeded) !=
         0;
}

// A drain does not wait for ever, nor does it by a clock that jumps.
bool Ledger::may_lose() const {
  const net::SimFaultCounts& faults = network_.counts();
  const uint64_t jumps = faults[net::SimFault::kClockJump];
  return losses_ + restarts_ + jumps + faults.losses() != 0 ||
         plan_.server.age.age_grace != Duration::max();
}

bool Ledger::may_end_exhausted(const CallRecord& call, const std::string& message) const {
  if (call.spec.oversize != Oversize::kNone && has(message, "is over the limit")) return true;
  if (has(message, kShortOfMemory)) return shortages_ != 0;
  return may_lack_memory() && has(message, "the connection's memory");
}

// ---- handlers

CallRecord* Ledger::begin(uint64_t id, uint32_t attempt) {
  ++running_;
  ++counts_.handled;
  if (id >= calls_.size()) {
    violate("a handler runs for call " + std::to_string(id) + ", which nobody has made");
    return nullptr;
  }
  CallRecord& call = *calls_[id];
  ++call.runs;
  const uint32_t bit = 1U << std::min(attempt, 31U);
  const uint32_t most = plan_.policy == Policy::kNone ? 1 : kMaxAttempts;
  if ((call.attempts & bit) != 0) violate(text_of(call) + ": an attempt is handled twice");
  if (attempt >= most) violate(text_of(call) + ": more attempts than its policy allows");
  call.attempts |= bit;
  const bool is_late = plan_.policy == Policy::kRetry && call.committed >= 0 &&
                       static_cast<int>(attempt) > call.committed;
  if (is_late) violate(text_of(call) + ": retried after a reply was seen");
  return &call;
}

void Ledger::note_request(const CallSpec& spec, const std::string& bytes, uint32_t index) {
  ++counts_.messages;
  counts_.bytes += bytes.size();
  if (!is_filled(bytes, spec.id, Side::kRequest, index, spec.request_size(index))) {
    violate("call " + std::to_string(spec.id) + ": the handler gets another request than number " +
            std::to_string(index));
  }
}

std::string Ledger::open_calls() const {
  std::string text;
  int shown = 0;
  for (const auto& call : calls_) {
    if (call->ended || call->abandoned || ++shown > 5) continue;
    text += (text.empty() ? "" : ", ") + text_of(*call);
  }
  return text;
}

}  // namespace saker::simulation
