// SETTINGS (RFC 9113 section 6.5): the six parameters, their ranges, and their wire form.
#pragma once

#include <cstdint>
#include <optional>

#include "saker/base/bytes.h"
#include "saker/h2/error_code.h"
#include "saker/h2/frame.h"

namespace saker::h2 {

enum class SettingId : uint16_t {
  kHeaderTableSize = 0x1,
  kEnablePush = 0x2,
  kMaxConcurrentStreams = 0x3,
  kInitialWindowSize = 0x4,
  kMaxFrameSize = 0x5,
  kMaxHeaderListSize = 0x6,
};

// One side's settings, at the RFC's initial values until a frame says otherwise.
struct Settings {
  uint32_t header_table_size = 4096;
  uint32_t enable_push = 1;
  uint32_t max_concurrent_streams = 0xFFFFFFFF;
  uint32_t initial_window_size = kDefaultWindowBytes;
  uint32_t max_frame_size = kMinMaxFrameBytes;
  uint32_t max_header_list_size = 0xFFFFFFFF;
};

inline constexpr size_t kSettingBytes = 6;
inline constexpr size_t kMaxSettingsFrameBytes = kFrameHeaderBytes + 6 * kSettingBytes;

// Applies the payload of a SETTINGS frame, entry by entry and in order; unknown parameters are
// ignored. Every value is checked before any is applied. At most `max_entries` entries.
std::optional<ConnectionError> apply_settings(Bytes payload, size_t max_entries,
                                              Settings& settings);

// Writes a SETTINGS frame with the values that differ from the RFC's initial ones; returns the end
// of what it wrote, at most kMaxSettingsFrameBytes.
uint8_t* encode_settings(uint8_t* out, const Settings& settings);

}  // namespace saker::h2
