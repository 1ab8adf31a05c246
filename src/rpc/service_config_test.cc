// gRPC doc/service_config.md, service_config.proto; gRFC A6 for what is checked.
#include "saker/rpc/service_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saker::rpc {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kRetry = R"({"maxAttempts": 4, "initialBackoff": "0.1s",
  "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", 10]})";

std::string with_method(std::string_view body) {
  return R"({"methodConfig": [{"name": [{"service": "a.S"}], )" + std::string(body) + "}]}";
}

std::string error_of(std::string_view json) {
  const auto config = ServiceConfig::parse(json);
  return config ? "" : config.error().message;
}

TEST(ServiceConfig, TheMostSpecificNameCounts) {
  const auto config = ServiceConfig::parse(R"({"methodConfig": [
    {"name": [{}], "timeout": "1s"},
    {"name": [{"service": "a.S"}], "timeout": "2s"},
    {"name": [{"service": "a.S", "method": "M"}], "timeout": "3s"}]})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->find("/b.S/M")->timeout, 1s);
  EXPECT_EQ(config->find("/a.S/Other")->timeout, 2s);
  EXPECT_EQ(config->find("/a.S/M")->timeout, 3s);
}

TEST(ServiceConfig, WithoutAnEntryThereIsNone) {
  const auto config = ServiceConfig::parse(R"({"methodConfig": [{"name": [{"service": "a.S"}]}]})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->find("/a.SS/M"), nullptr);
  EXPECT_EQ(config->find(""), nullptr);
  EXPECT_NE(config->find("/a.S/M"), nullptr);
}

TEST(ServiceConfig, ReadsEveryField) {
  const auto config =
      ServiceConfig::parse(with_method(R"("waitForReady": true, "timeout": "1.000000001s",
        "maxRequestMessageBytes": 1024, "maxResponseMessageBytes": "2048", "retryPolicy": )" +
                                       std::string(kRetry)));
  ASSERT_TRUE(config) << config.error().message;
  const MethodConfig& method = *config->find("/a.S/M");
  EXPECT_EQ(method.wait_for_ready, true);
  EXPECT_EQ(method.timeout, 1s + 1ns);
  EXPECT_EQ(method.max_request_bytes, 1024u);
  EXPECT_EQ(method.max_response_bytes, 2048u);
  EXPECT_EQ(method.retry->max_attempts, 4u);
  EXPECT_EQ(method.retry->initial_backoff, 100ms);
  EXPECT_EQ(method.retry->max_backoff, 1s);
  EXPECT_EQ(method.retry->backoff_multiplier, 2);
  EXPECT_TRUE(method.retry->retryable.contains(grpc::StatusCode::kUnavailable));
  EXPECT_TRUE(method.retry->retryable.contains(grpc::StatusCode::kAborted));
  EXPECT_FALSE(method.retry->retryable.contains(grpc::StatusCode::kInternal));
}

TEST(ServiceConfig, Hedging) {
  const auto config = ServiceConfig::parse(with_method(R"("hedgingPolicy":
    {"maxAttempts": 9, "hedgingDelay": "0.5s", "nonFatalStatusCodes": ["unavailable"]})"));
  ASSERT_TRUE(config) << config.error().message;
  const HedgingPolicy& hedging = *config->find("/a.S/M")->hedging;
  EXPECT_EQ(hedging.max_attempts, kMaxAttempts) << "gRFC A6: more than 5 are 5";
  EXPECT_EQ(hedging.delay, 500ms);
  EXPECT_TRUE(hedging.non_fatal.contains(grpc::StatusCode::kUnavailable));
}

TEST(ServiceConfig, ThrottlingAndBalancing) {
  const auto config = ServiceConfig::parse(R"({"retryThrottling":
    {"maxTokens": 10, "tokenRatio": 0.1239}, "loadBalancingConfig":
    [{"xds": {}}, {"round_robin": {}}, {"pick_first": {}}]})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->throttling()->max_millitokens, 10'000u);
  EXPECT_EQ(config->throttling()->ratio_millitokens, 123u);
  EXPECT_EQ(config->balancing(), Balancing::kRoundRobin);
  EXPECT_EQ(ServiceConfig::parse(R"({"loadBalancingPolicy": "ROUND_ROBIN"})")->balancing(),
            Balancing::kRoundRobin);
}

// gRFC A17: a StringValue, so that "" is a name, and none is another thing.
TEST(ServiceConfig, WhoseHealthIsWatched) {
  const auto service_of = [](std::string_view json) {
    return ServiceConfig::parse(json)->health_check_service();
  };
  EXPECT_EQ(service_of(R"({"healthCheckConfig": {"serviceName": "a.S"}})"), "a.S");
  EXPECT_EQ(service_of(R"({"healthCheckConfig": {"serviceName": ""}})"), "");
  EXPECT_EQ(service_of(R"({"healthCheckConfig": {"serviceName": null}})"), std::nullopt);
  EXPECT_EQ(service_of(R"({"healthCheckConfig": {}})"), std::nullopt);
  EXPECT_EQ(service_of("{}"), std::nullopt);
}

TEST(ServiceConfig, UnknownFieldsAreIgnored) {
  EXPECT_EQ(error_of(R"({"laterConfig": {}, "methodConfig": [{"later": 1}]})"), "");
}

TEST(ServiceConfig, WhatIsWrongIsNamed) {
  const struct {
    std::string json;
    const char* says;
  } kCases[] = {
      {"", "not JSON"},
      {"[]", "not an object"},
      {R"({"methodConfig": {}})", "methodConfig is not a list"},
      {with_method(R"("timeout": 1)"), "timeout"},
      {with_method(R"("timeout": "1m")"), "timeout"},
      {with_method(R"("timeout": "-1s")"), "timeout"},
      {with_method(R"("waitForReady": 1)"), "waitForReady"},
      {with_method(R"("retryPolicy": {})"), "maxAttempts"},
      {with_method(R"("retryPolicy": {"maxAttempts": 1})"), "maxAttempts"},
      {with_method(R"("retryPolicy": {"maxAttempts": 2})"), "initialBackoff"},
      {with_method(R"("retryPolicy": {"maxAttempts": 2, "initialBackoff": "1s",
        "maxBackoff": "1s"})"),
       "backoffMultiplier"},
      {with_method(R"("retryPolicy": {"maxAttempts": 2, "initialBackoff": "1s",
        "maxBackoff": "1s", "backoffMultiplier": 1})"),
       "retryableStatusCodes"},
      {with_method(R"("retryPolicy": {"maxAttempts": 2, "retryableStatusCodes": ["NOPE"]})"),
       "NOPE"},
      {with_method(R"("hedgingPolicy": {"maxAttempts": 2}, "retryPolicy": )" + std::string(kRetry)),
       "both"},
      {R"({"methodConfig": [{"name": [{"method": "M"}]}]})", "no service"},
      {R"({"methodConfig": [{"name": [{}, {}]}]})", "twice"},
      {R"({"retryThrottling": {"maxTokens": 0, "tokenRatio": 1}})", "maxTokens"},
      {R"({"retryThrottling": {"maxTokens": 0.0009, "tokenRatio": 1}})", "maxTokens"},
      {R"({"retryThrottling": {"maxTokens": 1001, "tokenRatio": 1}})", "maxTokens"},
      {R"({"retryThrottling": {"maxTokens": 10, "tokenRatio": 0}})", "tokenRatio"},
      {R"({"loadBalancingConfig": [{"xds": {}}]})", "round_robin"},
      {R"({"healthCheckConfig": ""})", "healthCheckConfig is not an object"},
      {R"({"healthCheckConfig": {"serviceName": 1}})", "serviceName is not a text"},
  };
  for (const auto& [json, says] : kCases) EXPECT_THAT(error_of(json), HasSubstr(says)) << json;
}

TEST(ServiceConfig, RefusesInOneLine) {
  const std::string twice =
      R"({"methodConfig": [{"name": [{"service": "a\nb"}, {"service": "a\nb"}]}]})";
  EXPECT_THAT(error_of(twice), HasSubstr("\"a?b/\" comes twice"));
}

// Nothing of a value's depth is shown: whoever does needs a stack as deep.
TEST(ServiceConfig, RefusesDeepValues) {
  constexpr size_t kDepth = 200'000;
  const std::string deep = std::string(kDepth, '[') + std::string(kDepth, ']');
  EXPECT_THAT(error_of(with_method(
                  R"("hedgingPolicy": {"maxAttempts": 2, "nonFatalStatusCodes": [)" + deep + "]}")),
              HasSubstr("has array, which is no status code"));
}

}  // namespace
}  // namespace saker::rpc
