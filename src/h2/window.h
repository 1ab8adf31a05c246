// Window: flow-control arithmetic as a type (RFC 9113 section 5.2 and 6.9). A send window may go
// negative when the peer lowers SETTINGS_INITIAL_WINDOW_SIZE; it never passes 2^31 - 1.
#pragma once

#include <cstdint>

#include "saker/base/check.h"
#include "saker/h2/frame.h"

namespace saker::h2 {

// What we may still send.
class SendWindow {
 public:
  SendWindow() = default;
  explicit SendWindow(uint32_t bytes) : bytes_(bytes) {}

  // Bytes that may be sent now; never negative.
  uint32_t available() const { return bytes_ > 0 ? static_cast<uint32_t>(bytes_) : 0; }
  void take(uint32_t bytes) { bytes_ -= bytes; }
  // WINDOW_UPDATE or a change of the initial window;
  // false: it would pass 2^31 - 1 and nothing changed.
  [[nodiscard]] bool try_add(int64_t bytes) {
    if (bytes_ + bytes > int64_t{kMaxWindowBytes}) return false;
    bytes_ += bytes;
    return true;
  }
  int64_t value() const { return bytes_; }

 private:
  int64_t bytes_ = kDefaultWindowBytes;
};

// What the peer may still send us, and what we have not yet told it that it may send again.
class ReceiveWindow {
 public:
  ReceiveWindow() = default;
  explicit ReceiveWindow(uint32_t bytes) : available_(bytes), target_(bytes) {}
  // Of a stream that the peer may have opened before it knew our settings: until then the RFC's
  // initial window counts, if that is the larger one (RFC 9113 section 6.9.2).
  static ReceiveWindow before_settings(uint32_t bytes) {
    ReceiveWindow window(bytes);
    window.available_ = bytes < kDefaultWindowBytes ? kDefaultWindowBytes : bytes;
    return window;
  }

  // Bytes arrived; false: more than the peer was allowed.
  [[nodiscard]] bool try_take(uint32_t bytes) {
    if (bytes > available_) return false;
    available_ -= bytes;
    return true;
  }
  // Bytes may be sent again, as soon as take_update() announces them.
  void give_back(uint32_t bytes) { unannounced_ += bytes; }
  // Grows what the peer may have in flight.
  void set_target(uint32_t bytes) {
    if (bytes <= target_) return;
    unannounced_ += bytes - target_;
    target_ = bytes;
  }
  // The increment to announce: 0 until a quarter of the window is due, so that updates are few and
  // the peer still has three quarters at its disposal in any round trip. One that is due also grows
  // the window to `wanted`.
  uint32_t take_update(uint32_t wanted = 0) {
    if (unannounced_ < target_ / 4) return 0;
    set_target(wanted);
    const uint32_t update = unannounced_;
    available_ += update;
    unannounced_ = 0;
    return update;
  }
  uint32_t available() const { return available_; }
  uint32_t target() const { return target_; }
  uint32_t unannounced() const { return unannounced_; }

 private:
  uint32_t available_ = kDefaultWindowBytes;
  uint32_t target_ = kDefaultWindowBytes;
  uint32_t unannounced_ = 0;
};

}  // namespace saker::h2
