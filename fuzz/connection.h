// A connection under a fuzzer: bytes of any peer, cut anywhere, handled at once or as much at a time as
// a turn has work for. Whichever it is, the same events come out, the same frames are sent and the same
// state is left; no invariant breaks, nothing leaks, and nothing is parsed after the end.
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

// How much work each turn may do, 1 to kMostWork units: what the numbers say by turns.
class Turns {
 public:
  static constexpr uint32_t kMostWork = 64;

  explicit Turns(Bytes numbers) : numbers_(numbers) {}
  uint32_t next() {
    return numbers_.empty() ? 1 : 1 + numbers_[at_++ % numbers_.size()] % kMostWork;
  }

 private:
  const Bytes numbers_;
  size_t at_ = 0;
};

// What a turn leaves is given to the next one, in front of everything else; after_turn() in between.
template <typename AfterTurn>
void recv_by_turns(h2::Endpoint& endpoint, Bytes bytes, Turns& turns, AfterTurn after_turn) {
  while (!bytes.empty()) {
    const bool was_alive = endpoint->alive();
    const bool alive = endpoint->handle_input(Piece(bytes), endpoint.now, turns.next());
    const size_t left = endpoint->input_left();
    expect(alive ? left < bytes.size() : left == 0,
           "a turn gets on, and leaves nothing at the end");
    expect(alive == endpoint->alive() && (was_alive || !alive), "the end is the end");
    bytes = bytes.last(left);
    after_turn();
  }
}

inline void recv_by_turns(h2::Endpoint& endpoint, Bytes bytes, Turns& turns) {
  recv_by_turns(endpoint, bytes, turns, [] {});
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
