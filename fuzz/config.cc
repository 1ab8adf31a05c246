// Any text to all that reads texts from files and flags: the configuration and the settings of
// `saker serve`, policies, service configs, durations, sizes, assertions. None ends the process; an
// error is one line that says something; what is accepted keeps to its bounds, and what is shown of
// it is read back as the same.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "printable.h"
#include "saker/base/quantity.h"
#include "saker/bench/assertion.h"
#include "saker/rpc/service_config.h"
#include "saker/services/crypto/key_spec.h"
#include "saker/services/crypto/policy.h"
#include "serve_config.h"
#include "serve_settings.h"
#include "setting_values.h"

namespace saker {
namespace {

using fuzz::expect;

// Whether there is a value; an error is looked at.
template <typename T>
bool has_value(const Result<T>& result) {
  if (result) return true;
  const std::string& message = result.error().message;
  expect(!message.empty(), "an error says what is wrong");
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  expect(std::ranges::none_of(message, is_control), "an error is one line");
  return false;
}

void check_duration(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!has_value(duration)) return;
  expect(*duration >= Duration::zero(), "no duration is negative");
  (void)format_duration(*duration);
  if (*duration == app::kOff) return;  // "off"
  const auto again = parse_duration(app::show_duration(*duration).front());
  expect(again && *again == *duration, "a duration is shown as it is");
}

void check_size(std::string_view text) {
  const auto size = parse_size(text);
  if (!has_value(size)) return;
  (void)format_size(*size);
  const auto again = parse_size(app::show_size(*size).front());
  expect(again && *again == *size, "a size is shown as it is");
}

bench::Report report_of_one_call() {
  bench::Report report;
  report.calls = 1;
  report.duration = std::chrono::seconds(1);
  report.corrected.record(std::chrono::microseconds(1));
  return report;
}

void check_assertions(std::string_view text) {
  static const bench::Report kReport = report_of_one_call();
  const auto assertions = bench::parse_assertions(text);
  if (!has_value(assertions)) return;
  for (const bench::Assertion& assertion : *assertions) {
    expect(std::isfinite(assertion.limit) && assertion.limit >= 0, "a limit is a number");
    expect(assertion.metric != bench::Metric::kPercentile ||
               (assertion.percent > 0 && assertion.percent <= 100),
           "a percentile");
    const auto again = bench::parse_assertions(assertion.text);
    expect(again && again->size() == 1, "the text of an assertion is one");
    const bench::Assertion& same = again->front();
    expect(same.metric == assertion.metric && same.percent == assertion.percent &&
               same.comparison == assertion.comparison && same.limit == assertion.limit,
           "and says the same");
    (void)bench::check_assertion(assertion, kReport);
  }
}

void check_service_config(std::string_view text) {
  const auto config = rpc::ServiceConfig::parse(text);
  if (!has_value(config)) return;
  if (const auto& throttling = config->throttling()) {
    expect(throttling->max_millitokens > 0 && throttling->max_millitokens <= 1'000'000 &&
               throttling->ratio_millitokens > 0,
           "tokens");
  }
  const rpc::MethodConfig* const method = config->find("/S/M");
  if (method == nullptr) return;
  expect(!method->retry || !method->hedging, "one policy");
  expect(!method->timeout || *method->timeout >= Duration::zero(), "timeout");
  if (const auto& retry = method->retry) {
    expect(retry->max_attempts >= 2 && retry->max_attempts <= rpc::kMaxAttempts, "attempts");
    expect(retry->initial_backoff > Duration::zero() && retry->max_backoff > Duration::zero() &&
               retry->backoff_multiplier > 0 && !retry->retryable.empty(),
           "a retry policy is whole");
  }
  if (const auto& hedging = method->hedging) {
    expect(hedging->max_attempts >= 2 && hedging->max_attempts <= rpc::kMaxAttempts, "attempts");
    expect(hedging->delay >= Duration::zero(), "delay");
  }
}

// Where toml++ 3.3 looks for blanks of Unicode it shifts by 64 from U+FE20 on: undefined, though what
// comes of it is that such a character is refused.
bool shifts_too_far(std::string_view text) {
  for (size_t at = 0; (at = text.find('\xef', at)) != text.npos; ++at) {
    const auto next = static_cast<uint8_t>(at + 1 < text.size() ? text[at + 1] : 0);
    if (next >= 0xb8 && next <= 0xbb) return true;
  }
  return false;
}

void check_policy(std::string_view text) {
  if (shifts_too_far(text)) return;
  const auto policy = crypto::parse_policy(text, "policy.toml");
  if (!has_value(policy)) return;
  net::Peer peer;
  peer.name = "ipv4:10.0.0.7:1234";
  for (const auto operation : {crypto::Operation::kSign, crypto::Operation::kList}) {
    const crypto::PolicyRule* const rule = policy->find(peer, "audit", operation);
    if (rule == nullptr) continue;
    expect(!rule->callers.empty() && !rule->keys.empty() && rule->operations != 0, "a whole rule");
    if (!rule->rate) continue;
    expect(std::isfinite(rule->rate->per_second) && rule->rate->per_second > 0, "a rate");
    expect(rule->rate->burst >= 1 && rule->rate->rule >= 1, "a burst");
  }
}

void check_shown(const app::ServeOptions& options) {
  const std::string shown = app::format_config(options);
  app::ServeOptions again;
  const auto parsed = app::parse_config(shown, "shown.toml", {}, again);
  if (!parsed) std::fprintf(stderr, "%s\n%s\n", parsed.error().message.c_str(), shown.c_str());
  expect(parsed.has_value(), "what is shown can be read");
  expect(app::format_config(again) == shown, "and is the same");
}

void check_serve_config(std::string_view text) {
  if (shifts_too_far(text)) return;
  app::ServeOptions options;
  if (has_value(app::parse_config(text, "serve.toml", {}, options))) check_shown(options);
}

// "max-streams=10"; arguments are UTF-8 and have no NUL.
void check_setting(std::string_view text) {
  if (!app::is_utf8(text) || text.find('\0') != text.npos) return;
  const size_t equals = std::min(text.find('='), text.size());
  const app::Setting* const setting = app::find_setting(text.substr(0, equals));
  if (setting == nullptr || equals == text.size()) return;
  const std::string value(text.substr(equals + 1));
  app::ServeOptions options;
  if (!has_value(setting->set(options, {&value, 1}))) return;
  const std::vector<std::string> shown = setting->show(options);
  app::ServeOptions again;
  if (shown.empty() && setting->kind != app::SettingKind::kList) return;
  expect(setting->set(again, shown).has_value(), "what is shown can be set");
  expect(setting->show(again) == shown, "and is the same");
  check_shown(options);
}

void check_key_spec(std::string_view text) {
  const auto spec = crypto::parse_key_spec(text);
  if (has_value(spec)) expect(crypto::is_key_name(spec->name), "a key has a name");
  if (const auto name = crypto::parse_resource_name(text)) {
    const std::string resource = crypto::resource_name(name->name, name->version);
    expect(name->version == 0 || crypto::parse_resource_name(resource) == name, "a resource");
  }
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_duration(text);
  check_size(text);
  check_assertions(text);
  check_service_config(text);
  check_policy(text);
  check_serve_config(text);
  check_setting(text);
  check_key_spec(text);
  return 0;
}
