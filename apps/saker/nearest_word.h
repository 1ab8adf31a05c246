// nearest_word(): "did you mean …?" for misspelt flags, commands and configuration keys. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saker::app {

// The candidate that takes the fewest insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment distance) to make of `word`; nothing when none is near.
std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates);

}  // namespace saker::app
