// Every mistake of a peer that ends the connection: what it sends, and the GOAWAY it gets. Each row
// runs whole and byte by byte; nothing after the mistake is read.
#include <gtest/gtest.h>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {
namespace {

constexpr uint8_t kEnd = kFlagEndStream;
constexpr uint8_t kEndHeaders = kFlagEndHeaders;

struct Fault {
  std::function<void(Peer&)> send;
  std::string goaway;
};

const ConnectionOptions kOptions = {.max_frame_bytes = 20000,
                                    .max_header_list_bytes = 1000,
                                    .initial_connection_window_bytes = 200'000,
                                    .adaptive_window = false,
                                    .max_header_block_bytes = 18000};

// `opened`: what a client opened before; on a server the fault opens its own streams.
void expect_goaway(Role role, const Fault& fault, bool settled, size_t step) {
  SCOPED_TRACE(fault.goaway + (step == 1 ? " byte by byte" : ""));
  Endpoint endpoint(role, kOptions);
  Peer peer;
  if (settled) {
    endpoint.settle(peer);
  } else {
    endpoint.take();
    peer.preface();
  }
  if (role == Role::kClient) endpoint.open();
  endpoint.sent();
  fault.send(peer);
  const ByteVector bytes = peer.ping(99).take();
  for (Bytes rest(bytes); !rest.empty();) {
    const size_t size = std::min(step, rest.size());
    endpoint.recv(rest.first(size));
    rest = rest.subspan(size);
  }
  const Lines sent = endpoint.sent();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.back(), "GOAWAY " + fault.goaway);
  EXPECT_FALSE(endpoint->alive());
  EXPECT_EQ(endpoint->open_streams(), 0u);
  EXPECT_FALSE(endpoint->wants_write());
  for (const std::string& line : endpoint.heard()) EXPECT_NE(line, "ping 99");
}

void expect_each(Role role, const std::vector<Fault>& faults, bool settled = true) {
  for (const Fault& fault : faults) {
    for (const size_t step : {size_t{1} << 20, size_t{1}}) {
      expect_goaway(role, fault, settled, step);
    }
  }
}

const std::string kText(16384, 'x');

TEST(ServerFaults, BeforeSettings) {
  const std::string kFirst = "0 PROTOCOL_ERROR the first frame is not SETTINGS";
  expect_each(Role::kServer,
              {{[](Peer& p) { p.ping(1); }, kFirst},
               {[](Peer& p) { p.settings_ack(); }, kFirst},
               {[](Peer& p) { p.headers(1, kRequest); }, kFirst},
               {[](Peer& p) { p.frame(static_cast<FrameType>(0x20), 0, 0, {}); }, kFirst}},
              false);
}

TEST(ServerFaults, Data) {
  expect_each(
      Role::kServer,
      {{[](Peer& p) { p.data(0, "x"); }, "0 PROTOCOL_ERROR DATA on stream 0"},
       {[](Peer& p) { p.data(1, "x"); }, "0 PROTOCOL_ERROR DATA on an idle stream"},
       {[](Peer& p) { p.headers(3, kRequest).data(2, "x"); },
        "3 PROTOCOL_ERROR DATA on an idle stream"},
       {[](Peer& p) { p.headers(3, kRequest).data(1, "x"); },
        "3 STREAM_CLOSED DATA on a closed stream"},
       {[](Peer& p) { p.headers(1, kRequest).rst_stream(1, ErrorCode::kCancel).data(1, "x"); },
        "1 STREAM_CLOSED DATA on a closed stream"},
       {[](Peer& p) { p.headers(1, kRequest, kEnd).data(1, "x"); },
        "1 STREAM_CLOSED DATA after END_STREAM"},
       {[](Peer& p) { p.headers(1, kRequest).data(1, "", kEnd).data(1, "", kEnd); },
        "1 STREAM_CLOSED DATA after END_STREAM"},
       {[](Peer& p) { p.headers(1, kRequest).frame(FrameType::kData, kFlagPadded, 1, {}); },
        "1 FRAME_SIZE_ERROR padded DATA without a pad length"},
       {[](Peer& p) {
          p.headers(1, kRequest).frame(FrameType::kData, kFlagPadded, 1, ByteVector{3, 0, 0});
        },
        "1 PROTOCOL_ERROR DATA padding longer than the frame"},
       {[](Peer& p) {
          p.headers(1, kRequest).frame(FrameType::kData, kFlagPadded, 1, ByteVector{1});
        },
        "1 PROTOCOL_ERROR DATA padding longer than the frame"},
       {[](Peer& p) { p.headers(1, kRequest).data(1, std::string(20001, 'x')); },
        "1 FRAME_SIZE_ERROR frame larger than SETTINGS_MAX_FRAME_SIZE"}});
}

TEST(ServerFaults, StreamWindow) {
  Endpoint server(Role::kServer, kOptions);
  server.events.credit_on_receipt = false;
  Peer peer;
  server.settle(peer);
  peer.headers(1, kRequest).data(1, kText).data(1, kText).data(1, kText);
  EXPECT_TRUE(server.recv(peer.data(1, std::string_view(kText).substr(1))));
  EXPECT_FALSE(server.recv(peer.data(1, "x")));
  EXPECT_EQ(server.sent().back(), "GOAWAY 1 FLOW_CONTROL_ERROR DATA beyond the stream's window");
}

TEST(ServerFaults, ConnectionWindow) {
  ConnectionOptions options = kOptions;
  options.max_frame_bytes = 1 << 20;
  options.initial_stream_window_bytes = 1 << 20;
  options.initial_connection_window_bytes = 65535;
  Endpoint server(Role::kServer, options);
  Peer peer;
  server.settle(peer);
  server.recv(peer.headers(1, kRequest));
  EXPECT_FALSE(server.recv(peer.data(1, std::string(65536, 'x'))));
  EXPECT_EQ(server.sent(),
            (Lines{"GOAWAY 1 FLOW_CONTROL_ERROR DATA beyond the connection's window"}));
}

TEST(ServerFaults, Headers) {
  const auto headers = [](uint8_t flags, StreamId id, ByteVector payload) {
    return [=](Peer& p) { p.frame(FrameType::kHeaders, flags, id, payload); };
  };
  const ByteVector long_block(18001, 0x82);
  expect_each(
      Role::kServer,
      {{headers(kEndHeaders, 0, {0x82}), "0 PROTOCOL_ERROR HEADERS on stream 0"},
       {headers(kEndHeaders | kFlagPadded, 1, {}),
        "0 PROTOCOL_ERROR HEADERS padding longer than the frame"},
       {headers(kEndHeaders | kFlagPadded, 1, {2, 0x82}),
        "0 PROTOCOL_ERROR HEADERS padding longer than the frame"},
       {headers(kEndHeaders | kFlagPriority, 1, {0, 0, 0, 0}),
        "0 FRAME_SIZE_ERROR HEADERS without its priority"},
       {headers(kEndHeaders, 1, long_block), "0 ENHANCE_YOUR_CALM header block too large"},
       {headers(0, 1, long_block), "0 ENHANCE_YOUR_CALM header block too large"},
       {headers(kEndHeaders, 1, {0xff}), "0 COMPRESSION_ERROR index cut off or too large"},
       {headers(kEndHeaders, 2, {0x82}),
        "0 PROTOCOL_ERROR HEADERS on a stream that we never opened"},
       {[](Peer& p) { p.headers(1, kRequest, kEnd).headers(1, kTrailers, kEnd); },
        "1 STREAM_CLOSED HEADERS after END_STREAM"},
       {[](Peer& p) { p.headers(5, kRequest).headers(3, kRequest); },
        "5 STREAM_CLOSED HEADERS on a closed stream"},
       {[](Peer& p) {
          p.headers(1, kRequest).rst_stream(1, ErrorCode::kCancel).headers(1, kTrailers, kEnd);
        },
        "1 STREAM_CLOSED HEADERS on a closed stream"}});
}

// However large frames may be, what has to be kept of one may not: its nine bytes are enough to refuse it.
TEST(ServerFaults, TooLongToBeKept) {
  const auto begin = [](FrameType type, uint32_t length) {
    ByteVector bytes(kFrameHeaderBytes);
    encode_frame_header(bytes.data(), {length, type, kFlagEndHeaders, 1});
    return bytes;
  };
  const struct {
    FrameType type;
    uint32_t most;
    std::string why;
  } kRows[] = {{FrameType::kHeaders, 32'768 + 261, "header block too large"},
               {FrameType::kGoaway, 16'384, "frame larger than what is kept of one"},
               {static_cast<FrameType>(0x20), 16'384, "frame larger than what is kept of one"}};
  for (const auto& row : kRows) {
    for (const bool over : {false, true}) {
      Endpoint server(Role::kServer, {.max_frame_bytes = 1 << 24});
      Peer peer;
      server.settle(peer);
      EXPECT_EQ(server.recv(begin(row.type, row.most + (over ? 1 : 0))), !over) << row.why;
      EXPECT_EQ(server.sent(), over ? (Lines{"GOAWAY 0 ENHANCE_YOUR_CALM " + row.why}) : Lines{});
    }
  }
}

TEST(ServerFaults, Continuation) {
  const std::string kInterrupted = "0 PROTOCOL_ERROR a header block was interrupted";
  const auto after_headers = [](FrameType type, uint8_t flags, StreamId id, ByteVector payload) {
    return [=](Peer& p) {
      p.frame(FrameType::kHeaders, 0, 1, p.block(kRequest)).frame(type, flags, id, payload);
    };
  };
  expect_each(
      Role::kServer,
      {{[](Peer& p) { p.frame(FrameType::kContinuation, kEndHeaders, 1, {}); },
        "0 PROTOCOL_ERROR CONTINUATION without HEADERS"},
       {[](Peer& p) { p.headers(1, kRequest).frame(FrameType::kContinuation, kEndHeaders, 1, {}); },
        "1 PROTOCOL_ERROR CONTINUATION without HEADERS"},
       {after_headers(FrameType::kContinuation, kEndHeaders, 3, {}), kInterrupted},
       {after_headers(FrameType::kContinuation, kEndHeaders, 0, {}), kInterrupted},
       {after_headers(FrameType::kData, 0, 1, {}), kInterrupted},
       {after_headers(FrameType::kHeaders, 0, 1, {}), kInterrupted},
       {after_headers(FrameType::kPing, 0, 0, ByteVector(8)), kInterrupted},
       {after_headers(static_cast<FrameType>(0x20), 0, 1, {}), kInterrupted},
       {after_headers(FrameType::kContinuation, 0, 1, ByteVector(18000)),
        "0 ENHANCE_YOUR_CALM header block too large"},
       {[](Peer& p) {
          p.frame(FrameType::kHeaders, 0, 1, p.block(kRequest));
          for (int i = 0; i < 9; ++i) p.frame(FrameType::kContinuation, 0, 1, {});
        },
        "0 ENHANCE_YOUR_CALM too many CONTINUATION frames"}});
}

TEST(ServerFaults, PriorityAndRstStream) {
  expect_each(
      Role::kServer,
      {{[](Peer& p) { p.priority(0); }, "0 PROTOCOL_ERROR PRIORITY on stream 0"},
       {[](Peer& p) { p.priority(3, 3); }, "0 PROTOCOL_ERROR a stream that depends on itself"},
       {[](Peer& p) { p.priority(3, 0x80000003); },
        "0 PROTOCOL_ERROR a stream that depends on itself"},
       {[](Peer& p) { p.frame(FrameType::kPriority, 0, 1, ByteVector(4)); },
        "0 FRAME_SIZE_ERROR PRIORITY is not 5 bytes"},
       {[](Peer& p) { p.frame(FrameType::kPriority, 0, 1, ByteVector(6)); },
        "0 FRAME_SIZE_ERROR PRIORITY is not 5 bytes"},
       {[](Peer& p) { p.rst_stream(0, ErrorCode::kCancel); },
        "0 PROTOCOL_ERROR RST_STREAM on an idle stream"},
       {[](Peer& p) { p.headers(1, kRequest).rst_stream(2, ErrorCode::kCancel); },
        "1 PROTOCOL_ERROR RST_STREAM on an idle stream"},
       {[](Peer& p) { p.frame(FrameType::kRstStream, 0, 1, ByteVector(3)); },
        "0 FRAME_SIZE_ERROR RST_STREAM is not 4 bytes"},
       {[](Peer& p) { p.frame(FrameType::kRstStream, 0, 1, ByteVector(5)); },
        "0 FRAME_SIZE_ERROR RST_STREAM is not 4 bytes"},
       {[](Peer& p) { p.frame(FrameType::kPushPromise, kEndHeaders, 1, ByteVector(4)); },
        "0 PROTOCOL_ERROR PUSH_PROMISE, but push is disabled"}});
}

TEST(ServerFaults, Settings) {
  const auto settings = [](SettingId id, uint32_t value) {
    return [=](Peer& p) { p.settings({{id, value}}); };
  };
  const std::string kRange = " SETTINGS value out of range";
  expect_each(
      Role::kServer,
      {{[](Peer& p) { p.frame(FrameType::kSettings, 0, 1, {}); },
        "0 PROTOCOL_ERROR SETTINGS on a stream"},
       {[](Peer& p) { p.frame(FrameType::kSettings, kFlagAck, 0, ByteVector(6)); },
        "0 FRAME_SIZE_ERROR SETTINGS ACK with a payload"},
       {[](Peer& p) { p.frame(FrameType::kSettings, 0, 0, ByteVector(7)); },
        "0 FRAME_SIZE_ERROR SETTINGS length is not a multiple of 6"},
       {[](Peer& p) { p.frame(FrameType::kSettings, 0, 0, ByteVector(33 * 6)); },
        "0 ENHANCE_YOUR_CALM too many entries in one SETTINGS frame"},
       {settings(SettingId::kEnablePush, 2), "0 PROTOCOL_ERROR" + kRange},
       {settings(SettingId::kInitialWindowSize, 0x80000000), "0 FLOW_CONTROL_ERROR" + kRange},
       {settings(SettingId::kMaxFrameSize, 16383), "0 PROTOCOL_ERROR" + kRange},
       {settings(SettingId::kMaxFrameSize, 1 << 24), "0 PROTOCOL_ERROR" + kRange},
       {[](Peer& p) {
          p.headers(1, kRequest).window_update(1, 1);
          p.settings({{SettingId::kInitialWindowSize, kMaxWindowBytes}});
        },
        "1 FLOW_CONTROL_ERROR SETTINGS_INITIAL_WINDOW_SIZE overflows a window"}});
}

TEST(ServerFaults, PingGoawayWindowUpdate) {
  expect_each(
      Role::kServer,
      {{[](Peer& p) { p.frame(FrameType::kPing, 0, 1, ByteVector(8)); },
        "0 PROTOCOL_ERROR PING on a stream"},
       {[](Peer& p) { p.frame(FrameType::kPing, 0, 0, ByteVector(7)); },
        "0 FRAME_SIZE_ERROR PING is not 8 bytes"},
       {[](Peer& p) { p.frame(FrameType::kPing, kFlagAck, 0, ByteVector(9)); },
        "0 FRAME_SIZE_ERROR PING is not 8 bytes"},
       {[](Peer& p) { p.frame(FrameType::kGoaway, 0, 1, ByteVector(8)); },
        "0 PROTOCOL_ERROR GOAWAY on a stream"},
       {[](Peer& p) { p.frame(FrameType::kGoaway, 0, 0, ByteVector(7)); },
        "0 FRAME_SIZE_ERROR GOAWAY shorter than 8 bytes"},
       {[](Peer& p) { p.goaway(0, ErrorCode::kNoError).goaway(2, ErrorCode::kNoError); },
        "0 PROTOCOL_ERROR GOAWAY raised its last stream id"},
       {[](Peer& p) { p.frame(FrameType::kWindowUpdate, 0, 0, ByteVector(3)); },
        "0 FRAME_SIZE_ERROR WINDOW_UPDATE is not 4 bytes"},
       {[](Peer& p) { p.window_update(0, 0); }, "0 PROTOCOL_ERROR WINDOW_UPDATE of 0"},
       {[](Peer& p) { p.headers(1, kRequest).window_update(1, 0x80000000); },
        "1 PROTOCOL_ERROR WINDOW_UPDATE of 0"},
       {[](Peer& p) { p.window_update(0, kMaxWindowBytes - 65534); },
        "0 FLOW_CONTROL_ERROR the connection's window passes 2^31 - 1"},
       {[](Peer& p) { p.headers(1, kRequest).window_update(1, kMaxWindowBytes - 65534); },
        "1 FLOW_CONTROL_ERROR a stream's window passes 2^31 - 1"},
       {[](Peer& p) { p.window_update(1, 1); }, "0 PROTOCOL_ERROR WINDOW_UPDATE on an idle stream"},
       {[](Peer& p) { p.window_update(2, 1); },
        "0 PROTOCOL_ERROR WINDOW_UPDATE on an idle stream"}});
}

// Stream 1 is open.
TEST(ClientFaults, All) {
  const std::string kNever = "0 PROTOCOL_ERROR HEADERS on a stream that we never opened";
  expect_each(
      Role::kClient,
      {{[](Peer& p) { p.data(1, "x"); }, "0 PROTOCOL_ERROR DATA before the response head"},
       {[](Peer& p) { p.headers(1, {{":status", "100"}}).data(1, "x"); },
        "0 PROTOCOL_ERROR DATA before the response head"},
       {[](Peer& p) { p.headers(3, kResponse); }, kNever},
       {[](Peer& p) { p.headers(2, kRequest); }, kNever},
       {[](Peer& p) { p.data(3, "x"); }, "0 PROTOCOL_ERROR DATA on an idle stream"},
       {[](Peer& p) { p.rst_stream(3, ErrorCode::kCancel); },
        "0 PROTOCOL_ERROR RST_STREAM on an idle stream"},
       {[](Peer& p) { p.window_update(3, 1); }, "0 PROTOCOL_ERROR WINDOW_UPDATE on an idle stream"},
       {[](Peer& p) { p.frame(FrameType::kPushPromise, kEndHeaders, 1, ByteVector(4)); },
        "0 PROTOCOL_ERROR PUSH_PROMISE, but push is disabled"},
       {[](Peer& p) { p.settings({{SettingId::kEnablePush, 1}}); },
        "0 PROTOCOL_ERROR a server that enables push"},
       {[](Peer& p) { p.goaway(1, ErrorCode::kNoError).goaway(3, ErrorCode::kNoError); },
        "0 PROTOCOL_ERROR GOAWAY raised its last stream id"}});
}

// Our own bug, not the peer's: only this connection ends, and it is counted.
TEST(OurFault, ABrokenInvariantEndsTheConnection) {
  ConnectionOptions options;
  ChunkPool chunks;
  ObjectPool<Stream> streams;
  hpack::DecoderScratch scratch;
  Recorder events;
  Connection server(Role::kServer, options, {chunks, streams, scratch}, events, kStart);
  server.release_slot();
  EXPECT_EQ(server.counters().invariants_broken, 1u);
  EXPECT_TRUE(server.alive());
  ChunkQueue out(chunks);
  server.take_output(out, kStart);
  EXPECT_FALSE(server.alive());
  EXPECT_EQ(server.error().code, ErrorCode::kInternalError);
}

}  // namespace
}  // namespace saker::h2
