// The same frames to our connection and to libnghttp2's session, as servers and as clients: after
// each frame both have accepted it, reset the same stream with the same error code, or ended the
// connection, have heard the same heads, content, pings and ends, and have the same streams open.
//
// What differs on purpose stands in kDifferences, each with its section and reason; anything else
// ends the fuzzer. After a difference on one stream that stream is left out.
// The input is what a peer sends, then four bytes of choices: see take_choices().
#include <algorithm>

#include "frame_mutator.h"
#include "frames_outcome.h"
#include "fuzz.h"
#include "saker/h2/header_rules.h"

namespace saker::fuzz {
namespace {

using h2::ErrorCode;
using h2::StreamId;

constexpr int kRequests = 4;               // that a client has open
constexpr size_t kMaxInputBytes = 16'384;  // less than a connection's window

enum class Did : uint8_t { kAccepted, kReset, kEnded };

struct Verdict {
  Did did = Did::kAccepted;
  ErrorCode code = ErrorCode::kNoError;
  bool operator==(const Verdict&) const = default;
};

// A difference that is meant. Texts are parts of what each side says, or of what is wrong with a head.
struct Difference {
  Verdict ours;
  const char* our_why;
  Verdict theirs;
  const char* their_why;
  const char* because;
};

constexpr Verdict kAccepts = {Did::kAccepted, ErrorCode::kNoError};
constexpr Verdict kResetsProtocol = {Did::kReset, ErrorCode::kProtocolError};
constexpr Verdict kResetsFlow = {Did::kReset, ErrorCode::kFlowControlError};
constexpr Verdict kRefuses = {Did::kReset, ErrorCode::kRefusedStream};
constexpr Verdict kEndsProtocol = {Did::kEnded, ErrorCode::kProtocolError};
constexpr Verdict kEndsFlow = {Did::kEnded, ErrorCode::kFlowControlError};
constexpr Verdict kEndsClosed = {Did::kEnded, ErrorCode::kStreamClosed};
constexpr Verdict kEndsSize = {Did::kEnded, ErrorCode::kFrameSizeError};
constexpr Verdict kEndsCompression = {Did::kEnded, ErrorCode::kCompressionError};
constexpr Verdict kEndsCalm = {Did::kEnded, ErrorCode::kEnhanceYourCalm};

constexpr const char* kTwoMistakes = "one frame, two mistakes: either may be named";
constexpr const char* kOneReset =
    "6.1, 6.9: a stream error may be one of the connection; streams that make us reset them by the "
    "thousand are an attack (CVE-2025-8671)";
constexpr const char* kLate = "5.1: what reaches a stream that we have reset may be late";

constexpr Difference kDifferences[] = {
    // Milder.
    {kAccepts, "", kEndsProtocol, "SETTINGS: unexpected ACK", "6.5.3 asks for nothing; counted"},
    {kAccepts, "", kEndsProtocol, "RST_STREAM: stream in idle",
     "6.4: gRPC's C++ client resets calls whose HEADERS it never sends"},
    {kAccepts, "", kEndsProtocol, "GOAWAY: invalid last_stream_id",
     "6.8 asks for ids that do not rise, which we check; not for whose they are"},
    {kAccepts, "", kEndsProtocol, "SETTINGS: invalid SETTINGS_ENABLE_CONNECT_PROTOCOL",
     "6.5.2: settings of extensions that we do not have (RFC 8441) are ignored"},
    {kAccepts, "", kEndsProtocol, "SETTINGS: invalid SETTINGS_NO_RFC7540_PRIORITIES",
     "6.5.2: the same (RFC 9218)"},
    {kAccepts, "", kEndsClosed, "HEADERS: stream closed", kLate},
    {kAccepts, "", kEndsClosed, "DATA: stream closed", kLate},
    {kAccepts, "", kResetsProtocol, "names no authority", "8.3.1: a request need not name one"},
    {kAccepts, "", kResetsProtocol, "path is not absolute",
     "8.3.1: answered, as any other path that no method has"},
    {kAccepts, "", kResetsProtocol, "legal by 8.2.1",
     "8.2.1 is what must be checked; not the whole grammar of RFC 9110 section 5"},
    {kAccepts, "", kResetsProtocol, "name: [grpc-message]",
     "8.2.1: gRPC's encoding leaves spaces alone, also the last one (PROTOCOL-HTTP2.md)"},
    {kAccepts, "", kResetsProtocol, "name: [host], value: [",
     "8.2.1 again: what is in it is for those who route by it"},
    {kRefuses, "", kEndsProtocol, "max concurrent streams exceeded",
     "5.1.2: an error of the stream"},
    {kRefuses, "", kResetsProtocol, "", kTwoMistakes},
    // Stricter.
    {kEndsClosed, "HEADERS on a closed stream", kAccepts, "", "5.1, 5.1.1: ids only rise"},
    {kEndsClosed, "DATA on a closed stream", kAccepts, "", "5.1: nor may DATA follow the end"},
    {kEndsFlow, "DATA beyond the stream's window", kResetsFlow, "", kOneReset},
    {kEndsFlow, "a stream's window passes", kResetsFlow, "", kOneReset},
    {kEndsProtocol, "DATA before the response head", kResetsProtocol, "", kOneReset},
    {kEndsProtocol, "DATA before the response head", kResetsFlow, "", kTwoMistakes},
    {kEndsProtocol, "DATA before the response head", kAccepts, "", "8.1: nor may it be empty"},
    {kEndsProtocol, "WINDOW_UPDATE of 0", kAccepts, "", "6.9: also on a stream that is closed"},
    {kEndsProtocol, "DATA padding longer than the frame", kAccepts, "",
     "6.1: also on a stream that was reset"},
    {kEndsSize, "padded DATA without a pad length", kAccepts, "", "4.2: also on such a stream"},
    {kEndsProtocol, "SETTINGS value out of range", kAccepts, "",
     "6.5.3: values are processed in order; libnghttp2 looks at the last one of each"},
    {kEndsProtocol, "PUSH_PROMISE", kAccepts, "",
     "6.6: our SETTINGS come before any request that a push could belong to"},
    {kEndsCompression, "more than two size updates", kAccepts, "",
     "RFC 7541 4.2: no more are of use"},
    {kEndsCompression, "more than two size updates", kResetsProtocol, "", "RFC 7541 4.2"},
    {kResetsProtocol, ":status is not a three-digit number", kAccepts, "",
     "RFC 9110 15: from 100 on"},
    // One frame or block, two mistakes.
    {kResetsProtocol, "", kEndsProtocol, "HEADERS: depend on itself", kTwoMistakes},
};

struct Side {
  Verdict verdict;
  std::string why;
};

Verdict verdict_of(const Outcome& outcome, StreamId id) {
  if (outcome.ended) return {Did::kEnded, *outcome.ended};
  if (const auto reset = outcome.resets.find(id); reset != outcome.resets.end()) {
    return {Did::kReset, reset->second};
  }
  return {};
}

// Why we reset a stream for its head, which no side says in words.
std::string our_reason(h2::Role role, const Texts& texts) {
  std::vector<hpack::Field> fields;
  for (const auto& [name, value] : texts) {
    const bool legal = hpack::is_legal_name(name) && hpack::is_legal_value(value);
    fields.push_back({name, value, hpack::token_of(name), legal});
  }
  const bool is_server = role == h2::Role::kServer;
  const h2::HeadFacts facts = is_server ? h2::check_request(fields) : h2::check_response(fields);
  return facts.malformed == nullptr ? "" : facts.malformed;
}

// Why libnghttp2 may, where we do not.
std::string their_reason(const Texts& fields) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(fields, name, &Texts::value_type::first) != fields.end();
  };
  const auto path = std::ranges::find(fields, ":path", &Texts::value_type::first);
  std::string why;
  if (!has(":authority") && !has("host")) why += "names no authority;";
  if (path != fields.end() && !path->second.starts_with('/')) why += "path is not absolute;";
  return why;
}

const Difference* find_difference(const Side& ours, const Side& theirs) {
  const auto fits = [&](const Difference& row) {
    return row.ours == ours.verdict && row.theirs == theirs.verdict &&
           ours.why.find(row.our_why) != std::string::npos &&
           theirs.why.find(row.their_why) != std::string::npos;
  };
  const auto at = std::ranges::find_if(kDifferences, fits);
  return at == std::end(kDifferences) ? nullptr : at;
}

// Both have ended the connection: which mistake of several a frame is refused for is nobody's business.
// What each rule has for a code is tested by its own (src/h2/nghttp2_fault_test.cc).
bool is_same(const Verdict& ours, const Verdict& theirs) {
  return ours == theirs || (ours.did == Did::kEnded && theirs.did == Did::kEnded);
}

// Both endpoints, and what they have been found to differ in.
class Comparison {
 public:
  explicit Comparison(const SessionChoices& choices)
      : role_(choices.role), ours_(choices), theirs_(choices) {
    for (int at = 0; role_ == h2::Role::kClient && at < kRequests; ++at) {
      ours_.open_request();
      theirs_.open_request();
    }
  }

  // False: there is nothing more to compare.
  bool feed(Bytes frame, const h2::FrameHeader& header);
  void feed_rest(Bytes bytes);
  // Nothing in it may end a connection.
  void feed_prelude(Bytes bytes) {
    expect(!ours_.recv(bytes).ended && !theirs_.recv(bytes).ended, "a prelude is accepted");
  }

 private:
  bool is_compared(StreamId id) const { return !left_out_.contains(id); }
  void check_heard(const Outcome& ours, const Outcome& theirs) const;
  void check_open() const;
  void respond();
  void differ(const h2::FrameHeader& header, const Side& ours, const Side& theirs) const;

  h2::Role role_;
  OurSide ours_;
  TheirSide theirs_;
  std::set<StreamId> left_out_;
};

std::string text_of(const Side& side) {
  static constexpr const char* kWords[] = {"accepted", "reset", "ended"};
  std::string text = kWords[static_cast<size_t>(side.verdict.did)];
  text.append(" ").append(h2::error_code_name(side.verdict.code)).append(" '");
  return text + side.why + "'";
}

void Comparison::differ(const h2::FrameHeader& header, const Side& ours, const Side& theirs) const {
  std::fprintf(stderr, "%s, frame %u, flags %02x, stream %u, %u bytes:\n ours %s\n theirs %s\n",
               role_ == h2::Role::kServer ? "server" : "client", static_cast<unsigned>(header.type),
               header.flags, header.stream_id, header.length, text_of(ours).c_str(),
               text_of(theirs).c_str());
  expect(false, "the same verdict, or a difference that is meant");
}

bool Comparison::feed(Bytes frame, const h2::FrameHeader& header) {
  const Outcome ours = ours_.recv(frame);
  const Outcome theirs = theirs_.recv(frame);
  const StreamId id = header.stream_id;
  Side our_side{verdict_of(ours, id), ours.why};
  Side their_side{verdict_of(theirs, id), theirs.why};
  if (our_side.verdict.did == Did::kReset) our_side.why = our_reason(role_, theirs.fields);
  if (their_side.verdict.did == Did::kReset) their_side.why += their_reason(theirs.fields);
  if (!is_same(our_side.verdict, their_side.verdict)) {
    if (!is_compared(id)) return false;
    // A stream that is open on one side only counts there.
    if (our_side.verdict == kRefuses && !left_out_.empty()) return false;
    if (find_difference(our_side, their_side) == nullptr) differ(header, our_side, their_side);
    left_out_.insert(id);
  }
  if (ours.ended || theirs.ended || theirs_.is_finished()) return false;
  if (ours.truncated) left_out_.insert(id);
  check_heard(ours, theirs);
  check_open();
  respond();
  return true;
}

// A frame that is not whole is judged by its header, or not yet.
void Comparison::feed_rest(Bytes bytes) {
  ours_.recv(bytes);
  theirs_.recv(bytes);
}

void Comparison::check_heard(const Outcome& ours, const Outcome& theirs) const {
  const auto check = [&](const Outcome& some, const Outcome& others) {
    for (const auto& [id, heard] : some.heard) {
      if (heard.empty() || !is_compared(id) || some.resets.contains(id)) continue;
      const auto other = others.heard.find(id);
      if (other != others.heard.end() && other->second == heard) continue;
      std::fprintf(stderr, "stream %u:\n%s\nand\n%s\n", id, heard.c_str(),
                   other == others.heard.end() ? "" : other->second.c_str());
      expect(false, "the same is heard");
    }
  };
  check(ours, theirs);
  check(theirs, ours);
}

void Comparison::check_open() const {
  const auto check = [&](const std::set<StreamId>& some, const std::set<StreamId>& others) {
    for (const StreamId id : some) {
      if (!is_compared(id) || others.contains(id)) continue;
      std::fprintf(stderr, "stream %u is open on one side\n", id);
      expect(false, "the same streams are open");
    }
  };
  check(ours_.open(), theirs_.open());
  check(theirs_.open(), ours_.open());
}

// Every other request is answered as soon as it has ended.
void Comparison::respond() {
  if (role_ == h2::Role::kClient) return;
  const std::set<StreamId> ended = ours_.ended();
  for (const StreamId id : ended) {
    if (id % 4 != 3 || !is_compared(id)) continue;
    ours_.respond(id);
    theirs_.respond(id);
  }
}

// Bytes of the first frame, with all of its block and with the frame that interrupts it: we judge a
// block when it is whole, libnghttp2 as it comes. 0: not all is there.
size_t unit_bytes(Bytes bytes) {
  size_t size = 0;
  for (bool in_block = false;;) {
    const Bytes rest = bytes.subspan(size);
    if (rest.size() < h2::kFrameHeaderBytes) return 0;
    const h2::FrameHeader header = h2::parse_frame_header(rest.data());
    if (rest.size() - h2::kFrameHeaderBytes < header.length) return 0;
    size += h2::kFrameHeaderBytes + header.length;
    const bool continues = in_block && header.type == h2::FrameType::kContinuation;
    in_block = (in_block ? continues : header.type == h2::FrameType::kHeaders) &&
               !header.has(h2::kFlagEndHeaders);
    if (!in_block) return size;
  }
}

void compare(const SessionChoices& choices, Bytes prelude, Bytes bytes) {
  Comparison comparison(choices);
  if (!prelude.empty()) comparison.feed_prelude(prelude);
  while (const size_t size = unit_bytes(bytes)) {
    if (!comparison.feed(bytes.first(size), h2::parse_frame_header(bytes.data()))) return;
    bytes = bytes.subspan(size);
  }
  comparison.feed_rest(bytes);
}

SessionChoices take_choices(FuzzedDataProvider& input, bool& settled) {
  const auto bits = input.ConsumeIntegral<uint8_t>();
  const auto window = input.ConsumeIntegral<uint8_t>();
  (void)input.ConsumeIntegral<uint16_t>();
  SessionChoices choices;
  if ((bits & 1) != 0) choices.role = h2::Role::kClient;
  settled = (bits & 2) != 0;
  if (settled && (bits & 4) != 0) choices.max_streams = 2;
  if (settled && (bits & 8) != 0) choices.stream_window_bytes = 1U + window;
  return choices;
}

}  // namespace
}  // namespace saker::fuzz

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
  if (size > fuzz::kMaxInputBytes) return -1;
  FuzzedDataProvider input(data, size);
  bool settled = false;
  const fuzz::SessionChoices choices = fuzz::take_choices(input, settled);
  const auto bytes = input.ConsumeRemainingBytes<uint8_t>();
  h2::Peer peer;
  if (choices.role == h2::Role::kServer) peer.preface();
  if (settled) peer.settings().settings_ack();
  fuzz::compare(choices, peer.take(), bytes);
  return 0;
}
