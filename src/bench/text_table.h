// TextTable: rows of a report in columns that are as wide as they have to be: words to the left,
// numbers to the right, plain ASCII. Knows no report.
#pragma once

#include <string>
#include <vector>

namespace saker::bench {

class TextTable {
 public:
  // Columns of words; those behind them hold numbers. A last column of remarks may be words again.
  explicit TextTable(std::vector<std::string> titles, size_t words = 1, bool remarks = false)
      : words_(words), remarks_(remarks), rows_{std::move(titles)} {}

  // As many cells as there are titles.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Lines, indented by two, without white space at their ends.
  void append_to(std::string& out) const;

 private:
  bool is_left(size_t column) const {
    return column < words_ || (remarks_ && column + 1 == rows_.front().size());
  }

  size_t words_;
  bool remarks_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace saker::bench
