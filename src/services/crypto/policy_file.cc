// parse_policy(): a policy from TOML. See policy.h.
#include <algorithm>
#include <charconv>

#include "saker/services/crypto/policy.h"
#include "saker/services/crypto/toml.h"

namespace saker::crypto {
namespace {

constexpr size_t kMaxRules = 1024;
constexpr double kMaxRate = 1e9;

struct Place {
  const std::string& file;

  std::unexpected<Error> bad(const toml::source_region& region, const std::string& what) const {
    return fail_in_one_line(file + ":" + std::to_string(region.begin.line) + ": " + what);
  }
};

Result<std::vector<std::string>> read_texts(const toml::table& table, std::string_view key,
                                            const Place& place) {
  const toml::array* const array = table[key].as_array();
  if (array == nullptr || array->empty())
    return place.bad(table.source(), "a rule needs " + std::string(key) + ", an array of strings");
  std::vector<std::string> texts;
  for (const toml::node& node : *array) {
    const auto* const text = node.as_string();
    if (text == nullptr || text->get().empty())
      return place.bad(node.source(), std::string(key) + ": must be an array of strings");
    texts.push_back(text->get());
  }
  return texts;
}

// "100/s", "0.5/m".
std::optional<double> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  double count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, count);
  if (error != std::errc() || end != text.data() + slash || !(count > 0) || count > kMaxRate)
    return std::nullopt;
  const std::string_view unit = text.substr(slash + 1);
  if (unit == "s") return count;
  if (unit == "m") return count / 60;
  if (unit == "h") return count / 3600;
  return std::nullopt;
}

Result<std::optional<RateLimit>> read_rate(const toml::table& table, const Place& place) {
  const toml::node* const node = table.get("rate");
  const toml::node* const burst = table.get("burst");
  if (node == nullptr && burst == nullptr) return std::nullopt;
  if (node == nullptr) return place.bad(burst->source(), "burst: of no rate");
  const auto rate = parse_rate(node->value_or(std::string()));
  if (!rate) return place.bad(node->source(), "rate: must be like \"100/s\", \"5/m\" or \"10/h\"");
  RateLimit limit{*rate, std::max(1.0, *rate)};
  if (burst == nullptr) return limit;
  const auto* const count = burst->as_integer();
  if (count == nullptr || count->get() < 1)
    return place.bad(burst->source(), "burst: must be 1 or more");
  limit.burst = static_cast<double>(count->get());
  return limit;
}

Result<PolicyRule> read_rule(const toml::node& node, const Place& place) {
  constexpr std::string_view kKnown[] = {"callers", "keys", "operations", "rate", "burst"};
  const toml::table* const table = node.as_table();
  if (table == nullptr) return place.bad(node.source(), "a rule must be a table, [[rule]]");
  for (const auto& [key, value] : *table) {
    if (std::ranges::find(kKnown, key.str()) == std::end(kKnown))
      return place.bad(key.source(), "unknown key " + std::string(key.str()));
  }
  PolicyRule rule;
  auto callers = read_texts(*table, "callers", place);
  if (!callers) return std::unexpected(callers.error());
  for (const std::string& text : *callers) {
    auto caller = CallerPattern::parse(text);
    if (!caller) return place.bad(table->get("callers")->source(), caller.error().message);
    rule.callers.push_back(*std::move(caller));
  }
  auto keys = read_texts(*table, "keys", place);
  if (!keys) return std::unexpected(keys.error());
  rule.keys = *std::move(keys);
  const auto operations = read_texts(*table, "operations", place);
  if (!operations) return std::unexpected(operations.error());
  for (const std::string& text : *operations) {
    const auto operation = parse_operation(text);
    if (!operation)
      return place.bad(table->get("operations")->source(),
                       "'" + text + "' is none of list, get, sign, verify");
    rule.operations |= static_cast<unsigned>(*operation);
  }
  auto rate = read_rate(*table, place);
  if (!rate) return std::unexpected(rate.error());
  rule.rate = *rate;
  return rule;
}

}  // namespace

Result<Policy> parse_policy(std::string_view text, const std::string& name) {
  const Place place{name};
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) return place.bad(parsed.error().source(), std::string(parsed.error().description()));
  std::vector<PolicyRule> rules;
  for (const auto& [key, node] : parsed.table()) {
    if (key.str() != "rule")
      return place.bad(key.source(), "unknown key " + std::string(key.str()));
    const toml::array* const array = node.as_array();
    if (array == nullptr) return place.bad(key.source(), "a rule is a table, [[rule]]");
    if (array->size() > kMaxRules) return place.bad(key.source(), "more than 1024 rules");
    for (const toml::node& element : *array) {
      auto rule = read_rule(element, place);
      if (!rule) return std::unexpected(rule.error());
      if (rule->rate) rule->rate->rule = static_cast<uint32_t>(rules.size() + 1);
      rules.push_back(*std::move(rule));
    }
  }
  return Policy(std::move(rules));
}

}  // namespace saker::crypto
