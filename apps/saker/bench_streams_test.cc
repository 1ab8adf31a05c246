// Streams under load: what the echo service's replies have to be like, and which messages count.
#include <gtest/gtest.h>

#include "bench_echo_streams.h"
#include "bench_messages.h"
#include "saker/base/crc32c.h"

namespace saker::app {
namespace {

using namespace std::chrono_literals;
using rpc::MethodKind;

TEST(BenchMessages, OnlyThoseOfTheMeasuredTimeCount) {
  BenchMessages messages;
  messages.add(1ms);
  messages.add_broken({grpc::StatusCode::kUnavailable, "too early", {}});
  messages.begin();
  messages.add(2ms);
  messages.add();
  messages.add_broken({grpc::StatusCode::kUnavailable, "gone", {}});
  messages.add_broken({grpc::StatusCode::kInternal, "another", {}});
  messages.end_load();
  messages.add(3ms);
  messages.end_load();
  messages.end();
  messages.add();
  EXPECT_EQ(messages.count(), 3u);
  EXPECT_EQ(messages.count_before_end(), 2u);
  EXPECT_EQ(messages.gaps().count(), 2u);
  EXPECT_EQ(messages.gaps().min(), 2ms);
  EXPECT_EQ(messages.broken(), 2u);
  EXPECT_EQ(messages.first_broken(), "UNAVAILABLE: gone");
}

TEST(EchoStreams, MethodsByName) {
  EXPECT_EQ(parse_echo_method("Echo").value_or(MethodKind::kBidiStreaming), MethodKind::kUnary);
  EXPECT_EQ(parse_echo_method("EchoStream").value_or(MethodKind::kUnary),
            MethodKind::kBidiStreaming);
  EXPECT_EQ(parse_echo_method("EchoCollect").value_or(MethodKind::kUnary),
            MethodKind::kClientStreaming);
  EXPECT_EQ(parse_echo_method("EchoExpand").value_or(MethodKind::kUnary),
            MethodKind::kServerStreaming);
  EXPECT_FALSE(parse_echo_method("echostream"));
}

TEST(EchoStreams, WhatIsCollected) {
  using Workload = EchoStreamWorkload<MethodKind::kClientStreaming>;
  const Workload workload(5, 3);
  const Workload::Checker checker(workload);
  Workload::Request request;
  workload.begin(request);
  workload.prepare(request, 9, 1234);
  const std::string all = request.payload() + request.payload() + request.payload();
  Workload::Reply reply;
  reply.set_messages(3);
  reply.set_payload_bytes(15);
  reply.set_payload_crc32c(crc32c(as_bytes(all)));
  reply.set_sequence(9);
  reply.set_client_send_time_ns(1234);
  EXPECT_EQ(checker.check(request, reply, 3), nullptr);
  EXPECT_STREQ(checker.check(request, reply, 2), "another number of messages");
  reply.set_payload_crc32c(1);
  EXPECT_STREQ(checker.check(request, reply, 3), "another checksum");
  reply.set_messages(2);  // cut short: the checksum of two is not known
  EXPECT_STREQ(checker.check(request, reply, 2), "another number of bytes");
  reply.set_payload_bytes(10);
  EXPECT_EQ(checker.check(request, reply, 2), nullptr);
  reply.set_sequence(8);
  EXPECT_STREQ(checker.check(request, reply, 2), "another sequence");
}

TEST(EchoStreams, WhatIsExpanded) {
  using Workload = EchoStreamWorkload<MethodKind::kServerStreaming>;
  const Workload workload(5, 3);
  const Workload::Checker checker(workload);
  Workload::Request request;
  workload.begin(request);
  workload.prepare(request, 9, 1234);
  EXPECT_EQ(request.expand_count(), 3u);
  Workload::Reply reply;
  reply.set_payload(request.payload());
  reply.set_sequence(9);
  reply.set_client_send_time_ns(1234);
  reply.set_expand_index(1);
  EXPECT_EQ(checker.check(request, reply, 1), nullptr);
  EXPECT_STREQ(checker.check(request, reply, 0), "another index");
  reply.set_payload("other");
  EXPECT_STREQ(checker.check(request, reply, 1), "another payload");
  EXPECT_EQ(checker.check_end(request, 3), nullptr);
  EXPECT_STREQ(checker.check_end(request, 4), "another number of messages");
}

}  // namespace
}  // namespace saker::app
