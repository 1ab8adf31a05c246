// MemoryGuard: how near the process is to the memory that it may have, as one state that its loops look
// at. Each state includes what those before it forbid; one is left a sixteenth below where it was
// entered, so that it does not come and go with every message.
//
//   of the maximum    12/16     13/16     14/16     15/16     16/16
//   kOk            ───────────────────────▶│         │         │
//   kNoConnections               ◀─────────┼────────▶│         │
//   kNoCalls                               │◀────────┼────────▶│
//   kShedding                    ◀─────────┴─────────┴─────────┼───▶
//
// Shedding closes connections, which goes on until all is well: it is left for kOk only. Knows neither
// where the figures come from (MemoryWatch) nor what a state forbids (Server, ServerConnection).
// Thread rule: one thread updates, all may look.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace saker::rpc {

enum class MemoryState : uint8_t {
  kOk,
  kNoConnections,  // new ones are closed at once
  kNoCalls,        // ... and new calls refused with RESOURCE_EXHAUSTED; those under way go on
  kShedding,       // ... and the connections that hold most are closed
};

class MemoryGuard {
 public:
  explicit MemoryGuard(uint64_t max_bytes) : max_bytes_(max_bytes) {}
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

  // One for servers without a maximum: always kOk.
  static const MemoryGuard& none();

  uint64_t max_bytes() const { return max_bytes_; }
  MemoryState state() const { return state_.load(std::memory_order_relaxed); }
  bool refuses_connections() const { return state() >= MemoryState::kNoConnections; }
  bool refuses_calls() const { return state() >= MemoryState::kNoCalls; }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  // "241 of 256 MiB"
  std::string usage() const;

  // The state that so many bytes in use lead to from the present one.
  MemoryState state_after(uint64_t used_bytes) const;
  // True: the state has changed.
  bool update(uint64_t used_bytes);
  void start_shedding() { set_state(MemoryState::kShedding); }
  // Above where all is well again.
  uint64_t excess_bytes() const;

 private:
  uint64_t sixteenths(uint64_t count) const { return max_bytes_ / 16 * count; }
  void set_state(MemoryState state) { state_.store(state, std::memory_order_relaxed); }

  const uint64_t max_bytes_;
  std::atomic<MemoryState> state_{MemoryState::kOk};
  std::atomic<uint64_t> used_bytes_{0};
};

}  // namespace saker::rpc
