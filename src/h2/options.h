// What a connection may be told, and every limit that it puts on its peer.
// docs/limits.md has a row for each.
#pragma once

#include <chrono>
#include <cstdint>

#include "saker/base/time.h"
#include "saker/h2/frame.h"

namespace saker::h2 {

enum class Role : uint8_t { kClient, kServer };

struct ConnectionOptions {
  // Announced in SETTINGS.
  uint32_t max_concurrent_streams = 1024;  // limit: streams that the peer may have open
  uint32_t initial_stream_window_bytes = kDefaultWindowBytes;
  uint32_t max_frame_bytes = kMinMaxFrameBytes;  // limit: payload of one frame
  uint32_t max_header_list_bytes = 16 * 1024;    // limit: name + value + 32 over all fields
  uint32_t header_table_bytes = 4096;            // limit: HPACK decoder table

  uint32_t initial_connection_window_bytes = 1 << 20;
  bool adaptive_window = true;           // grow windows with the bandwidth-delay product
  uint32_t max_window_bytes = 16 << 20;  // limit: what adaptive windows may grow to

  // Header blocks.
  uint32_t max_header_fields = 128;  // limit: fields in one block
  // Both grow with max_header_list_bytes, so that such a list gets in.
  uint32_t max_header_block_bytes = 32 * 1024;  // limit: encoded bytes, CONTINUATION included
  uint32_t max_continuations = 8;               // limit: CONTINUATION frames of one block

  // Output.
  uint32_t output_cap_bytes = 512 * 1024;           // limit: bytes encoded and not yet written
  uint32_t send_quantum_bytes = kMinMaxFrameBytes;  // one stream's turn in the round robin
  uint32_t max_unsent_bytes = 16 << 20;             // limit: DATA that waits for the peer's windows

  // Input.
  uint32_t max_unread_bytes = 16 << 20;  // limit: DATA of all streams that nobody has consumed

  // Conduct.
  uint32_t max_settings_entries = 32;    // limit: entries of one SETTINGS frame
  uint32_t control_frames_pause = 100;   // limit: queued answers at which reading stops
  uint32_t control_frames_close = 1000;  // limit: queued answers that end the connection
  uint32_t reset_burst = 1000;           // limit: resets of unfinished streams, at once
  uint32_t reset_per_second = 33;        // limit: … and from then on
  uint32_t glitch_burst = 10000;         // limit: harmless but useless frames, at once
  uint32_t glitch_per_second = 330;      // limit: … and from then on

  // Time.
  Duration preface_timeout = std::chrono::seconds(10);  // limit: preface and first SETTINGS in
  Duration first_settings_timeout = std::chrono::seconds(2);  // limit: … behind a client's preface
  Duration settings_ack_timeout = std::chrono::seconds(30);   // limit: until our SETTINGS are ACKed
  Duration header_block_timeout =
      std::chrono::seconds(10);  // limit: HEADERS to END_HEADERS; any frame
  Duration no_progress_timeout = std::chrono::seconds(60);  // limit: data queued, no window for it
  Duration drain_ping_timeout = std::chrono::seconds(5);    // between the two GOAWAYs of a drain
  Duration drain_ping_timeout_idle = std::chrono::seconds(1);  // … of one without open streams
};

}  // namespace saker::h2
