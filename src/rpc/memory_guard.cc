#include "saker/rpc/memory_guard.h"

namespace saker::rpc {
namespace {

constexpr uint64_t kNoConnectionsAt = 14;  // sixteenths of the maximum
constexpr uint64_t kNoCallsAt = 15;
constexpr uint64_t kSheddingAt = 16;
constexpr uint64_t kOkBelow = 13;
constexpr uint64_t kMebibyte = 1 << 20;

}  // namespace

const MemoryGuard& MemoryGuard::none() {
  static const MemoryGuard guard(UINT64_MAX);
  return guard;
}

std::string MemoryGuard::usage() const {
  return std::to_string((used_bytes() + kMebibyte - 1) / kMebibyte) + " of " +
         std::to_string(max_bytes_ / kMebibyte) + " MiB";
}

MemoryState MemoryGuard::state_after(uint64_t used_bytes) const {
  const MemoryState before = state();
  if (used_bytes >= sixteenths(kSheddingAt)) return MemoryState::kShedding;
  if (before == MemoryState::kShedding) {
    return used_bytes < sixteenths(kOkBelow) ? MemoryState::kOk : before;
  }
  const auto is_in = [&](MemoryState state, uint64_t entered_at) {
    return used_bytes >= sixteenths(before >= state ? entered_at - 1 : entered_at);
  };
  if (is_in(MemoryState::kNoCalls, kNoCallsAt)) return MemoryState::kNoCalls;
  if (is_in(MemoryState::kNoConnections, kNoConnectionsAt)) return MemoryState::kNoConnections;
  return MemoryState::kOk;
}

bool MemoryGuard::update(uint64_t used_bytes) {
  const MemoryState after = state_after(used_bytes);
  used_bytes_.store(used_bytes, std::memory_order_relaxed);
  if (after == state()) return false;
  set_state(after);
  return true;
}

uint64_t MemoryGuard::excess_bytes() const {
  const uint64_t used = used_bytes();
  const uint64_t well = sixteenths(kOkBelow);
  return used < well ? 0 : used - well + 1;
}

}  // namespace saker::rpc
