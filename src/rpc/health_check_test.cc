// Client-side health checks (gRFC A17): which answers put a backend into rotation and which take it
// out, what becomes of the calls, and who asks at all.
#include "saker/rpc/health_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saker/rpc/health_check_testing.h"

namespace saker::rpc {
namespace {

using grpc::StatusCode;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- messages (grpc/health/v1/health.proto)

TEST(HealthMessages, TheRequestNamesTheService) {
  EXPECT_EQ(encode_health_request(""), "");
  EXPECT_EQ(encode_health_request("a.S"),
            "\x0A\x03"
            "a.S");
  const std::string name(300, 'n');
  EXPECT_EQ(encode_health_request(name), "\x0A\xAC\x02" + name);
}

TEST(HealthMessages, TheStatusIsReadAndOtherFieldsAreSkipped) {
  const auto parse = [](std::string_view text) { return parse_health_status(as_bytes(text)); };
  using namespace std::string_view_literals;
  EXPECT_EQ(parse(""), 0u);
  EXPECT_EQ(parse("\x08\x01"), 1u);
  EXPECT_EQ(parse("\x08\x02\x08\x01"), 1u) << "the last one counts";
  EXPECT_EQ(parse("\x10\x96\x01\x08\x01\x1A\x02\x08\x03"sv), 1u);
  EXPECT_EQ(parse("\x11"
                  "12345678"
                  "\x1D"
                  "1234"
                  "\x08\x03"),
            3u);
  for (const std::string_view broken :
       {"\x08"sv, "\x08\xFF"sv, "\x1A\x05"sv, "\x11\x31"sv, "\x0B\x0C"sv, "\x00\x01"sv}) {
    EXPECT_EQ(parse(broken), std::nullopt) << testing::PrintToString(broken);
  }
}

// ---- what an answer does

// gRFC A17: a subchannel is CONNECTING until the first answer, so that queued calls wait for it.
TEST_F(Health, CallsWaitForTheFirstAnswer) {
  for (size_t index = 0; index < 2; ++index) service(index).delay = 700ms;
  cluster.start();
  const Time begun = cluster.client_loop.now();
  EXPECT_THAT(cluster.call(), HasSubstr("s"));
  EXPECT_GE(cluster.client_loop.now() - begun, 700ms);
  EXPECT_TRUE(cluster.status.ok()) << cluster.status.message;
}

// gRFC A17: whatever is not SERVING takes a backend out of rotation, and SERVING brings it back.
TEST_F(Health, WhateverIsNotServingTakesABackendOut) {
  for (const Balancing balancing : {Balancing::kRoundRobin, Balancing::kLeastOutstanding}) {
    cluster.options.balancing = balancing;
    start();
    ASSERT_TRUE(wait_for_ready(2));
    for (const Serving status : {Serving::kUnknown, Serving::kNotServing, Serving::kServiceUnknown,
                                 static_cast<Serving>(9)}) {
      service(0).status = status;
      ASSERT_TRUE(wait_for_ready(1));
      EXPECT_THAT(answers(4), Each("s1"));
      service(0).status = Serving::kServing;
      ASSERT_TRUE(wait_for_ready(2));
      EXPECT_THAT(answers(4), AllOf(Contains("s0"), Contains("s1")));
    }
    EXPECT_EQ(service(0).requests.size(), 1u) << "one stream tells it all";
    cluster.channel.reset();
    service(0).requests.clear();
  }
}

// gRFC A17: the state of an unhealthy backend is TRANSIENT_FAILURE; when that is everybody's, calls
// fail, and those that wait for ready wait.
TEST_F(Health, WhereNobodyIsHealthyCallsAreUnavailable) {
  start();
  ASSERT_TRUE(wait_for_ready(2));
  for (size_t index = 0; index < 2; ++index) service(index).status = Serving::kNotServing;
  ASSERT_TRUE(wait_for_ready(0));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message, AllOf(HasSubstr("memory://s"), HasSubstr("is not healthy"),
                                            HasSubstr("NOT_SERVING"), HasSubstr("a.S")));
  TestUnary waits;
  waits.request().bytes = "request";
  waits.start(*cluster.channel, unary_method(), {.wait_for_ready = true});
  cluster.run_for(10s);
  EXPECT_EQ(waits.done, 0);
  service(1).status = Serving::kServing;
  ASSERT_TRUE(cluster.run_until([&] { return waits.done == 1; }));
  EXPECT_EQ(waits.reply().bytes, "s1");
}

// gRFC A17: the same for calls that waited for the first answer.
TEST_F(Health, CallsThatWaitedForABadAnswerAreUnavailable) {
  for (size_t index = 0; index < 2; ++index) {
    service(index).delay = 300ms;
    service(index).status = Serving::kNotServing;
  }
  cluster.start();
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message, HasSubstr("is not healthy"));
}

// gRFC A17, "Race Conditions": what is under way is not touched.
TEST_F(Health, CallsUnderWayOnABackendThatFallsIllGoOn) {
  backend(0).delays = backend(1).delays = {5s};
  start();
  ASSERT_TRUE(wait_for_ready(2));
  TestUnary calls[2];
  for (TestUnary& call : calls) call.start(*cluster.channel, unary_method());
  cluster.run_for(1s);
  for (size_t index = 0; index < 2; ++index) service(index).status = Serving::kNotServing;
  ASSERT_TRUE(wait_for_ready(0));
  cluster.run_for(10s);
  for (TestUnary& call : calls) EXPECT_TRUE(call.status().ok()) << call.status().message;
}

// gRFC A17: UNIMPLEMENTED is a server without health checks, which counts as healthy; it is asked no
// more, and that is noted.
TEST_F(Health, AServerWithoutAHealthServiceIsHealthy) {
  for (size_t index = 0; index < 2; ++index) service(index).fails = StatusCode::kUnimplemented;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  cluster.run_for(300s);
  EXPECT_THAT(answers(4), AllOf(Contains("s0"), Contains("s1")));
  EXPECT_EQ(backend(0).watches, 1);
  EXPECT_EQ(backend(1).watches, 1);
  EXPECT_THAT(observer.without, testing::UnorderedElementsAre("memory://s0", "memory://s1"));
}

// gRFC A17: any other end is a failure, OK too: TRANSIENT_FAILURE, and again with back-off.
TEST_F(Health, AStreamThatFailsIsStartedAgainWithBackoff) {
  service(0).fails = StatusCode::kInternal;
  cluster.options.backoff_jitter = 0;
  start();
  ASSERT_TRUE(wait_for_ready(1));
  EXPECT_THAT(answers(4), Each("s1"));
  ASSERT_TRUE(cluster.run_until([&] { return service(0).asked_at.size() == 4; }));
  const auto& at = service(0).asked_at;
  EXPECT_NEAR(static_cast<double>((at[1] - at[0]) / 1ms), 1000, 20);
  EXPECT_NEAR(static_cast<double>((at[2] - at[1]) / 1ms), 1600, 20);
  EXPECT_NEAR(static_cast<double>((at[3] - at[2]) / 1ms), 2560, 20);
  service(1).status = Serving::kNotServing;
  ASSERT_TRUE(wait_for_ready(0));
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  service(0).fails = StatusCode::kOk;
  ASSERT_TRUE(wait_for_ready(1));
  EXPECT_EQ(cluster.call(), "s0");
}

TEST_F(Health, WhyAStreamFailedIsSaid) {
  service(0).fails = service(1).fails = StatusCode::kPermissionDenied;
  start();
  EXPECT_EQ(cluster.call(), "UNAVAILABLE");
  EXPECT_THAT(cluster.status.message,
              AllOf(HasSubstr("is not healthy"), HasSubstr("PERMISSION_DENIED, as planned")));
}

// gRFC A17: an answer resets the back-off, so that the next attempt is at once, and only that.
TEST_F(Health, BehindAnAnswerTheNextAttemptIsAtOnce) {
  cluster.options.backoff_jitter = 0;
  start();
  ASSERT_TRUE(wait_for_ready(2));
  ASSERT_EQ(service(0).asked_at.size(), 1u);
  service(0).fails = StatusCode::kAborted;
  ASSERT_TRUE(cluster.run_until([&] { return service(0).asked_at.size() == 3; }));
  const auto& at = service(0).asked_at;
  cluster.run_for(10ms);
  EXPECT_NEAR(static_cast<double>((at[2] - at[1]) / 1ms), 1000, 20) << "that one was not answered";
  EXPECT_EQ(ready(), 1u) << "and what was said before counts no more";
  service(0).fails = StatusCode::kOk;
  ASSERT_TRUE(wait_for_ready(2));
  const size_t asked = service(0).asked_at.size();
  service(0).ends_now = true;
  ASSERT_TRUE(cluster.run_until([&] { return service(0).asked_at.size() > asked; }, 50ms));
}

TEST_F(Health, AnAnswerThatDoesNotParseIsAFailure) {
  backend(0).on_watch = [](ServerContext&, RawMessage&,
                           Writer<RawMessage>& replies) -> Task<grpc::Status> {
    const RawMessage broken("\x08");
    co_await replies.write(broken);
    co_return grpc::Status{};
  };
  service(1).status = Serving::kNotServing;
  start();
  EXPECT_EQ(ready(), 0u);
  cluster.run_for(300ms);
  EXPECT_EQ(backend(0).watches, 1) << "it is no answer: back-off";
}

// ---- who asks

// gRFC A17: pick_first inhibits health checks.
TEST_F(Health, PickFirstAsksNobody) {
  cluster.options.balancing = Balancing::kPickFirst;
  service(0).status = Serving::kNotServing;
  cluster.start();
  EXPECT_THAT(answers(3), Each("s0"));
  EXPECT_EQ(backend(0).watches, 0);
}

// gRFC A17: a client may switch off what the service config asks for.
TEST_F(Health, AnOptionInhibitsThem) {
  cluster.options.inhibit_health_checking = true;
  service(0).status = Serving::kNotServing;
  start();
  EXPECT_THAT(answers(4), Contains("s0"));
  EXPECT_EQ(backend(0).watches + backend(1).watches, 0);
}

// gRFC A17: off unless the service config names a service; "" is the server as a whole.
TEST_F(Health, OnlyWhereTheServiceConfigNamesAService) {
  cluster.configure(R"({"healthCheckConfig": {}})");
  start();
  EXPECT_EQ(backend(0).watches, 0);
  cluster.channel.reset();
  cluster.configure(R"({"healthCheckConfig": {"serviceName": ""}})");
  start();
  EXPECT_THAT(service(0).requests, ElementsAre(""));
  EXPECT_EQ(ready(), 2u);
}

TEST_F(Health, TheRequestNamesTheService) {
  start();
  EXPECT_THAT(service(0).requests, ElementsAre(encode_health_request("a.S")));
}

}  // namespace
}  // namespace saker::rpc
