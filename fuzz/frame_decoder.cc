// Frames cut anywhere, at either role, and handled by turns with little work: the same events and
// answers as from one piece and byte by byte, and as many frames as a reader counts who knows their
// lengths only. Limits hold on the way: streams, tables, what is kept of a frame or block that is not
// whole; nothing is read after the end.
// The input is what a peer sends after its preface, then four bytes of choices.
#include <random>

#include "connection.h"
#include "frame_mutator.h"

namespace saker {
namespace {

constexpr int kRequests = 4;  // that a client has open
constexpr size_t kMaxInputBytes = 8192;

struct Choices {
  h2::Role role = h2::Role::kServer;
  bool settled = false;  // SETTINGS and an ACK come first
  bool replies = false;  // a server answers after each piece
  h2::ConnectionOptions options = fuzz::kOptions;
  uint16_t cuts_seed = 0;
};

Choices take_choices(FuzzedDataProvider& input) {
  const auto bits = input.ConsumeIntegral<uint8_t>();
  const uint32_t small = input.ConsumeIntegral<uint8_t>();
  Choices choices;
  if ((bits & 1) != 0) choices.role = h2::Role::kClient;
  choices.settled = (bits & 2) != 0;
  choices.replies = (bits & 4) != 0;
  choices.cuts_seed = input.ConsumeIntegral<uint16_t>();
  if ((bits & 8) == 0) return choices;
  choices.options.max_concurrent_streams = 1 + small % 8;
  choices.options.initial_stream_window_bytes = 1 + small;
  choices.options.header_table_bytes = small * 2;
  choices.options.adaptive_window = (bits & 16) != 0;
  choices.options.max_header_fields = 1 + small % 16;
  choices.options.max_settings_entries = 1 + small % 4;
  choices.options.control_frames_pause = 4;
  choices.options.control_frames_close = 8;
  return choices;
}

void check_limits(h2::Endpoint& endpoint, size_t fed) {
  constexpr size_t kAtRest = 100'000;
  const h2::ConnectionOptions& options = endpoint.options;
  fuzz::expect(endpoint->counters().invariants_broken == 0, "no invariant breaks");
  fuzz::expect(endpoint->decoder().table_bytes() <= std::max(options.header_table_bytes, 4096U),
               "the decoder's table");
  fuzz::expect(endpoint->role() == h2::Role::kClient ||
                   endpoint->open_streams() <= options.max_concurrent_streams,
               "max_concurrent_streams");
  fuzz::expect(endpoint->memory_bytes() <= kAtRest + 20 * fed, "a length reserves nothing");
  fuzz::expect(endpoint->alive() || endpoint->open_streams() == 0, "no stream after the end");
}

// `work`: what turns may do, by turns; none: each piece is handled at once.
std::string run(const Choices& choices, Bytes bytes, Bytes cuts, Bytes work = {}) {
  h2::Endpoint endpoint(choices.role, choices.options);
  h2::Peer peer;
  if (choices.role == h2::Role::kServer) peer.preface();
  for (int at = 0; choices.role == h2::Role::kClient && at < kRequests; ++at) {
    endpoint.open(h2::kRequest, at % 2 == 0);
  }
  if (choices.settled) peer.settings().settings_ack();
  endpoint.recv(peer);
  size_t fed = 0;
  fuzz::Turns turns(work);
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) {
    fed += piece.size();
    const uint64_t frames = endpoint->counters().frames_received;
    const bool was_alive = endpoint->alive();
    if (work.empty()) {
      endpoint.recv(piece);
    } else {
      fuzz::recv_by_turns(endpoint, piece, turns);
    }
    fuzz::expect(was_alive || endpoint->counters().frames_received == frames, "the end is the end");
    check_limits(endpoint, fed);
  });
  if (choices.replies && choices.role == h2::Role::kServer) fuzz::reply_to_all(endpoint, true);
  return fuzz::text_of(endpoint) + " " + std::to_string(endpoint->counters().frames_received);
}

// Headers of frames that follow each other.
uint64_t count_frames(Bytes bytes) {
  uint64_t count = 0;
  while (bytes.size() >= h2::kFrameHeaderBytes) {
    ++count;
    const size_t size = h2::kFrameHeaderBytes + h2::parse_frame_header(bytes.data()).length;
    bytes = bytes.subspan(std::min(bytes.size(), size));
  }
  return count;
}

void check_count(const Choices& choices, Bytes bytes) {
  h2::Endpoint endpoint(choices.role, choices.options);
  if (choices.role == h2::Role::kServer) endpoint.recv(as_bytes(h2::kClientPreface));
  endpoint.recv(bytes);
  const uint64_t received = endpoint->counters().frames_received;
  const uint64_t sent = count_frames(bytes);
  fuzz::expect(endpoint->alive() ? received == sent : received <= sent, "the number of frames");
}

std::vector<uint8_t> random_cuts(size_t bytes, uint16_t seed) {
  std::mt19937 random(seed);
  const uint32_t longest = 1 + random() % 255;
  std::vector<uint8_t> cuts(bytes);
  for (uint8_t& cut : cuts) cut = static_cast<uint8_t>(1 + random() % longest);
  return cuts;
}

}  // namespace
}  // namespace saker

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return saker::fuzz::mutate_frames(data, size, max_size, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size,
                                            const uint8_t* other, size_t other_size, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return saker::fuzz::cross_frames(one, one_size, other, other_size, out, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  if (size > kMaxInputBytes) return -1;
  fuzz::fail_loudly();
  FuzzedDataProvider input(data, size);
  const Choices choices = take_choices(input);
  const auto bytes = input.ConsumeRemainingBytes<uint8_t>();
  const std::string whole = run(choices, bytes, {});
  const std::vector<uint8_t> cuts = random_cuts(bytes.size(), choices.cuts_seed);
  fuzz::expect(run(choices, bytes, cuts) == whole, "cutting the input changes nothing");
  const std::vector<uint8_t> ones(bytes.size(), 1);
  fuzz::expect(run(choices, bytes, ones) == whole, "nor does one byte at a time");
  fuzz::expect(run(choices, bytes, {}, cuts) == whole, "nor do turns with little work");
  check_count(choices, bytes);
  return 0;
}
