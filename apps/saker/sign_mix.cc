#include "sign_mix.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

namespace saker::app {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\n";
  const size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::unexpected<Error> wrong(std::string_view entry, const std::string& why) {
  return fail("'" + std::string(entry) + "': " + why);
}

std::optional<uint64_t> parse_weight(std::string_view text) {
  uint64_t weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || weight == 0 || weight > kMaxMixWeight) return std::nullopt;
  return weight;
}

Result<SignMixEntry> parse_entry(std::string_view text) {
  SignMixEntry entry;
  std::string_view head = text;
  if (const size_t equals = text.rfind('='); equals != std::string_view::npos) {
    const auto weight = parse_weight(trimmed(text.substr(equals + 1)));
    if (!weight) {
      return wrong(text, "a weight is a whole number, 1 to " + std::to_string(kMaxMixWeight));
    }
    entry.weight = *weight;
    head = text.substr(0, equals);
  }
  const size_t at = head.find('@');
  if (at == std::string_view::npos) return wrong(text, "not like ALGORITHM@KEY=WEIGHT");
  const std::string_view name = trimmed(head.substr(0, at));
  const auto algorithm = crypto::parse_algorithm(name);
  if (!algorithm) return wrong(text, "'" + std::string(name) + "' is no algorithm");
  entry.algorithm = *algorithm;
  entry.key = trimmed(head.substr(at + 1));
  if (entry.key.empty()) return wrong(text, "the key's name is missing");
  return entry;
}

bool is_twice(const std::vector<SignMixEntry>& mix, const SignMixEntry& entry) {
  return std::ranges::any_of(mix, [&](const SignMixEntry& known) {
    return known.algorithm == entry.algorithm && known.key == entry.key;
  });
}

}  // namespace

Result<std::vector<SignMixEntry>> parse_sign_mix(std::string_view text) {
  std::vector<SignMixEntry> mix;
  while (true) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = trimmed(text.substr(0, comma));
    auto entry = parse_entry(part);
    if (!entry) return std::unexpected(entry.error());
    if (is_twice(mix, *entry)) return wrong(part, "this algorithm and key are there twice");
    mix.push_back(*std::move(entry));
    if (mix.size() > kMaxMixEntries) {
      return fail("more than " + std::to_string(kMaxMixEntries) + " entries");
    }
    if (comma == text.size()) return mix;
    text.remove_prefix(comma + 1);
  }
}

// Smooth weighted round robin: each earns its weight a step, the richest takes the step and pays for
// all.
std::vector<uint8_t> mix_pattern(std::span<const uint64_t> weights) {
  uint64_t divisor = 0;
  uint64_t total = 0;
  for (const uint64_t weight : weights) divisor = std::gcd(divisor, weight);
  for (const uint64_t weight : weights) total += weight / divisor;
  std::vector<int64_t> riches(weights.size());
  std::vector<uint8_t> pattern;
  for (uint64_t step = 0; step < total; ++step) {
    for (size_t i = 0; i < weights.size(); ++i) {
      riches[i] += static_cast<int64_t>(weights[i] / divisor);
    }
    const auto richest = std::ranges::max_element(riches);
    *richest -= static_cast<int64_t>(total);
    pattern.push_back(static_cast<uint8_t>(richest - riches.begin()));
  }
  return pattern;
}

}  // namespace saker::app
