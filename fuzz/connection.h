// A connection under a fuzzer: bytes of any peer, cut anywhere. However they are cut, the same
// events come out, the same frames are sent and the same state is left; no invariant breaks, nothing
// leaks, and nothing is parsed after the end.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "fuzz.h"
#include "saker/h2/h2_testing.h"

namespace saker::fuzz {

inline constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Small enough that fuzzers reach the limits.
inline const h2::ConnectionOptions kOptions = {.max_concurrent_streams = 8,
                                               .initial_stream_window_bytes = 2000,
                                               .max_header_list_bytes = 400,
                                               .initial_connection_window_bytes = 70'000,
                                               .max_header_block_bytes = 600,
                                               .max_continuations = 3,
                                               .max_settings_entries = 4,
                                               .reset_burst = 5,
                                               .glitch_burst = 20};

inline std::string text_of(h2::Endpoint& endpoint) {
  std::string text;
  for (const std::string& line : endpoint.heard()) text += line + "\n";
  for (const std::string& line : endpoint.sent()) text += line + "\n";
  text += std::to_string(endpoint->alive()) + std::to_string(endpoint->counters().glitches);
  return text + " " + std::to_string(endpoint->receive_window().available());
}

// Expectations of the suites' helpers end the fuzzer.
inline void fail_loudly() {
  GTEST_FLAG_SET(break_on_failure, true);
}

inline void reply_to_all(h2::Endpoint& endpoint, bool end_stream) {
  for (h2::StreamId id = 1; id < 64; id += 2) {
    if (!endpoint.events.has_stream(id) || endpoint.stream(id).head_sent) continue;
    endpoint.send_headers(id, h2::kResponse, end_stream);
    if (!end_stream && endpoint.events.has_stream(id)) endpoint.send_data(id, "reply", true);
  }
}

}  // namespace saker::fuzz
