#include "nearest_word.h"

#include <algorithm>
#include <vector>

namespace saker::app {
namespace {

// Dynamic programming over three rows: the one being filled and the two before it.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  size_t fewest = 0;
  for (const std::string& candidate : candidates) {
    const bool is_start = word.size() >= 3 && candidate.starts_with(word);
    const size_t edits = is_start ? 1 : distance(word, candidate);
    if (best != nullptr && edits >= fewest) continue;
    best = &candidate;
    fewest = edits;
  }
  // A third of the word may be wrong.
  if (best == nullptr || fewest > std::max<size_t>(1, word.size() / 3)) return std::nullopt;
  return *best;
}

}  // namespace saker::app
