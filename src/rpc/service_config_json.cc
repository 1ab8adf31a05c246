// The JSON form of a ServiceConfig, as protobuf writes it (doc/service_config.md). Checks what gRFC
// A6 asks to be checked; a config that is wrong anywhere is wrong as a whole.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "saker/rpc/service_config.h"

namespace saker::rpc {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(const std::string& where, const std::string& what) {
  return fail_in_one_line("service config: " + where + " " + what);
}

// Null: the field is missing, or null.
const Json* member(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::optional<int64_t> parse_digits(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// google.protobuf.Duration: "1.5s", up to nine decimals, not negative here.
std::optional<Duration> parse_duration_text(std::string_view text) {
  constexpr int64_t kMaxSeconds = int64_t{100} * 365 * 24 * 3600;  // what nanoseconds can count
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  const size_t dot = std::min(text.find('.'), text.size());
  const auto seconds = parse_digits(text.substr(0, dot));
  if (!seconds || *seconds > kMaxSeconds) return std::nullopt;
  std::string decimals = dot == text.size() ? "0" : std::string(text.substr(dot + 1));
  if (decimals.size() > 9) return std::nullopt;
  if (decimals.empty()) return std::nullopt;
  decimals.resize(9, '0');
  const auto ns = parse_digits(decimals);
  if (!ns) return std::nullopt;
  return std::chrono::seconds(*seconds) + std::chrono::nanoseconds(*ns);
}

Result<std::optional<Duration>> read_duration(const Json& object, const char* name) {
  const Json* field = member(object, name);
  if (field == nullptr) return std::optional<Duration>();
  const auto* text = field->get_ptr<const std::string*>();
  const auto duration = text == nullptr ? std::nullopt : parse_duration_text(*text);
  if (!duration) return wrong(name, "is not a duration like \"1.5s\"");
  return duration;
}

Result<std::optional<double>> read_number(const Json& object, const char* name) {
  const Json* field = member(object, name);
  if (field == nullptr) return std::optional<double>();
  if (!field->is_number()) return wrong(name, "is not a number");
  return field->get<double>();
}

// A number, or one in quotes, as protobuf writes 64 bits.
Result<std::optional<uint32_t>> read_uint32(const Json& object, const char* name) {
  const Json* field = member(object, name);
  if (field == nullptr) return std::optional<uint32_t>();
  std::optional<int64_t> value;
  if (field->is_number_integer()) value = field->get<int64_t>();
  if (const auto* text = field->get_ptr<const std::string*>()) value = parse_digits(*text);
  if (!value || *value < 0) return wrong(name, "is not a whole number");
  return static_cast<uint32_t>(std::min<int64_t>(*value, UINT32_MAX));
}

std::optional<grpc::StatusCode> parse_code(const Json& json) {
  std::string wanted;
  if (const auto* text = json.get_ptr<const std::string*>()) wanted = *text;
  std::ranges::transform(wanted, wanted.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (size_t number = 0; number < grpc::kStatusCodeCount; ++number) {
    const auto code = static_cast<grpc::StatusCode>(number);
    if (json.is_number_integer() ? json.get<int64_t>() == static_cast<int64_t>(number)
                                 : wanted == grpc::status_code_name(code)) {
      return code;
    }
  }
  return std::nullopt;
}

Result<CodeSet> read_codes(const Json& object, const char* name) {
  CodeSet codes;
  const Json* field = member(object, name);
  if (field == nullptr) return codes;
  if (!field->is_array()) return wrong(name, "is not a list");
  for (const Json& item : *field) {
    const auto code = parse_code(item);
    if (!code) {
      const std::string shown = item.is_primitive() ? item.dump() : std::string(item.type_name());
      return wrong(name, "has " + shown + ", which is no status code");
    }
    codes.add(*code);
  }
  return codes;
}

Result<uint32_t> read_attempts(const Json& policy, const char* of) {
  const auto attempts = read_uint32(policy, "maxAttempts");
  if (!attempts) return std::unexpected(attempts.error());
  if (!*attempts || **attempts < 2) return wrong(of, "needs maxAttempts of at least 2");
  return std::min(**attempts, kMaxAttempts);
}

Result<RetryPolicy> read_retry(const Json& json) {
  if (!json.is_object()) return wrong("retryPolicy", "is not an object");
  const auto attempts = read_attempts(json, "retryPolicy");
  if (!attempts) return std::unexpected(attempts.error());
  const auto initial = read_duration(json, "initialBackoff");
  if (!initial) return std::unexpected(initial.error());
  const auto most = read_duration(json, "maxBackoff");
  if (!most) return std::unexpected(most.error());
  const auto multiplier = read_number(json, "backoffMultiplier");
  if (!multiplier) return std::unexpected(multiplier.error());
  const auto codes = read_codes(json, "retryableStatusCodes");
  if (!codes) return std::unexpected(codes.error());
  const Duration none{};
  if (initial->value_or(none) <= none || most->value_or(none) <= none) {
    return wrong("retryPolicy", "needs initialBackoff and maxBackoff above 0");
  }
  if (multiplier->value_or(0) <= 0) return wrong("retryPolicy", "needs backoffMultiplier above 0");
  if (codes->empty()) return wrong("retryPolicy", "needs retryableStatusCodes");
  return RetryPolicy{*attempts, **initial, **most, **multiplier, *codes};
}

Result<HedgingPolicy> read_hedging(const Json& json) {
  if (!json.is_object()) return wrong("hedgingPolicy", "is not an object");
  const auto attempts = read_attempts(json, "hedgingPolicy");
  if (!attempts) return std::unexpected(attempts.error());
  const auto delay = read_duration(json, "hedgingDelay");
  if (!delay) return std::unexpected(delay.error());
  const auto codes = read_codes(json, "nonFatalStatusCodes");
  if (!codes) return std::unexpected(codes.error());
  return HedgingPolicy{*attempts, delay->value_or(Duration{}), *codes};
}

Result<void> read_policies(const Json& json, MethodConfig& config) {
  const Json* retry = member(json, "retryPolicy");
  const Json* hedging = member(json, "hedgingPolicy");
  if (retry != nullptr && hedging != nullptr) {
    return wrong("methodConfig", "has both retryPolicy and hedgingPolicy");
  }
  if (retry != nullptr) {
    auto policy = read_retry(*retry);
    if (!policy) return std::unexpected(policy.error());
    config.retry = *policy;
  }
  if (hedging != nullptr) {
    auto policy = read_hedging(*hedging);
    if (!policy) return std::unexpected(policy.error());
    config.hedging = *policy;
  }
  return {};
}

Result<MethodConfig> read_method(const Json& json) {
  MethodConfig config;
  if (const Json* wait = member(json, "waitForReady")) {
    if (!wait->is_boolean()) return wrong("waitForReady", "is neither true nor false");
    config.wait_for_ready = wait->get<bool>();
  }
  const auto timeout = read_duration(json, "timeout");
  if (!timeout) return std::unexpected(timeout.error());
  config.timeout = *timeout;
  const auto request = read_uint32(json, "maxRequestMessageBytes");
  if (!request) return std::unexpected(request.error());
  config.max_request_bytes = *request;
  const auto response = read_uint32(json, "maxResponseMessageBytes");
  if (!response) return std::unexpected(response.error());
  config.max_response_bytes = *response;
  if (auto read = read_policies(json, config); !read) return std::unexpected(read.error());
  return config;
}

Result<std::string> read_text(const Json& object, const char* name) {
  const Json* field = member(object, name);
  if (field == nullptr) return std::string();
  if (!field->is_string()) return wrong(name, "is not a text");
  return field->get<std::string>();
}

Result<void> read_names(const Json& json, const MethodConfig& method, ServiceConfig& config) {
  const Json* names = member(json, "name");
  if (names == nullptr) return {};  // it applies to nothing
  if (!names->is_array()) return wrong("name", "is not a list");
  for (const Json& name : *names) {
    if (!name.is_object()) return wrong("name", "has an item that is not an object");
    const auto service = read_text(name, "service");
    if (!service) return std::unexpected(service.error());
    const auto method_name = read_text(name, "method");
    if (!method_name) return std::unexpected(method_name.error());
    if (service->empty() && !method_name->empty()) return wrong("name", "has a method, no service");
    if (!config.add(*service, *method_name, method)) {
      return wrong("name", "\"" + *service + "/" + *method_name + "\" comes twice");
    }
  }
  return {};
}

Result<void> read_methods(const Json& json, ServiceConfig& config) {
  const Json* methods = member(json, "methodConfig");
  if (methods == nullptr) return {};
  if (!methods->is_array()) return wrong("methodConfig", "is not a list");
  for (const Json& item : *methods) {
    if (!item.is_object()) return wrong("methodConfig", "has an item that is not an object");
    const auto method = read_method(item);
    if (!method) return std::unexpected(method.error());
    if (auto read = read_names(item, *method, config); !read) return read;
  }
  return {};
}

Result<void> read_throttling(const Json& json, ServiceConfig& config) {
  const Json* throttling = member(json, "retryThrottling");
  if (throttling == nullptr) return {};
  if (!throttling->is_object()) return wrong("retryThrottling", "is not an object");
  const auto tokens = read_number(*throttling, "maxTokens");
  if (!tokens) return std::unexpected(tokens.error());
  const auto ratio = read_number(*throttling, "tokenRatio");
  if (!ratio) return std::unexpected(ratio.error());
  const double most = tokens->value_or(0);
  if (most < 0.001 || most > 1000) return wrong("maxTokens", "is not 0.001 to 1000");
  const double milliratio = std::floor(ratio->value_or(0) * 1000);
  if (milliratio < 1 || milliratio > 1'000'000) return wrong("tokenRatio", "is not above 0");
  config.set_throttling({static_cast<uint32_t>(most * 1000), static_cast<uint32_t>(milliratio)});
  return {};
}

// The first that is known counts (gRFC A24).
Result<void> read_balancing(const Json& json, ServiceConfig& config) {
  const auto old_name = read_text(json, "loadBalancingPolicy");
  if (!old_name) return std::unexpected(old_name.error());
  std::string lower = *old_name;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (const auto known = parse_balancing(lower)) config.set_balancing(*known);
  const Json* list = member(json, "loadBalancingConfig");
  if (list == nullptr) return {};
  if (!list->is_array()) return wrong("loadBalancingConfig", "is not a list");
  for (const Json& item : *list) {
    if (!item.is_object() || item.size() != 1) {
      return wrong("loadBalancingConfig", "has an item that is not an object of one policy");
    }
    if (const auto known = parse_balancing(item.begin().key())) {
      config.set_balancing(*known);
      return {};
    }
  }
  return wrong("loadBalancingConfig", "has none of pick_first, round_robin, least_outstanding");
}

// gRFC A17. The name is a StringValue: "" asks for the whole server, and without any there is no check.
Result<void> read_health_check(const Json& json, ServiceConfig& config) {
  const Json* health = member(json, "healthCheckConfig");
  if (health == nullptr) return {};
  if (!health->is_object()) return wrong("healthCheckConfig", "is not an object");
  if (member(*health, "serviceName") == nullptr) return {};
  auto service = read_text(*health, "serviceName");
  if (!service) return std::unexpected(service.error());
  config.set_health_check_service(*std::move(service));
  return {};
}

}  // namespace

Result<ServiceConfig> ServiceConfig::parse(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail("service config: it is not JSON");
  if (!json.is_object()) return fail("service config: it is not an object");
  ServiceConfig config;
  for (const auto read : {read_methods, read_throttling, read_balancing, read_health_check}) {
    if (auto done = read(json, config); !done) return std::unexpected(done.error());
  }
  return config;
}

}  // namespace saker::rpc
