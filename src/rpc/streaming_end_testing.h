// Ends: the fixture of tests about how streaming calls end: handlers that note what they saw, and a call.
#pragma once

#include <gtest/gtest.h>

#include "saker/rpc/rpc_testing.h"
#include "saker/rpc/sleep.h"

namespace saker::rpc {

using grpc::Status;
using grpc::StatusCode;

// What the handler saw.
struct Seen {
  int started = 0;
  int ended = 0;
  bool cancelled = false;
  Time ended_at{};
};

class Ends : public testing::Test {
 protected:
  // Echoes, then says how it ended.
  void serve_echo() {
    serve([this](ServerContext& context, Reader<RawMessage>& requests,
                 Writer<RawMessage>& replies) -> Task<Status> {
      ++seen.started;
      RawMessage message;
      while (co_await requests.read(message)) co_await replies.write(message);
      note_end(context);
      co_return Status{};
    });
  }
  void serve_sleeper(Duration time) {
    serve([this, time](ServerContext& context, Reader<RawMessage>&,
                       Writer<RawMessage>&) -> Task<Status> {
      ++seen.started;
      co_await sleep_for(context, time);
      note_end(context);
      co_return Status{};
    });
  }
  // Does not notice what happens to its call.
  void serve_deaf_sleeper(Duration time) {
    serve([this, time](ServerContext& context, Reader<RawMessage>&,
                       Writer<RawMessage>&) -> Task<Status> {
      ++seen.started;
      co_await Nap(context.loop(), time);
      note_end(context);
      co_return Status{};
    });
  }
  void note_end(ServerContext& context) {
    ++seen.ended;
    seen.cancelled = context.cancelled();
    seen.ended_at = context.read_clock();
  }
  void serve(BidiHandler handler) {
    world.dispatcher.add_bidi_streaming<RawMessage, RawMessage>("/t.T/Bidi", std::move(handler));
  }
  void start(const CallOptions& options = {}) {
    world.start();
    call.start(world.channel(), bidi_method(), options);
  }
  void finish() {
    ASSERT_TRUE(world.run_until([&] { return call.done > 0; }));
    world.run_for(1s);
    EXPECT_EQ(call.done, 1);
    EXPECT_FALSE(call.active());
  }

  Seen seen;
  SimWorld world;
  TestStream call;
};

}  // namespace saker::rpc
