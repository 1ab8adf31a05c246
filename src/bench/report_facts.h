// Facts: what a report was measured with: versions, kernel, CPU, pinning, flags, as pairs of names and
// values; and the few lines that people read of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace saker::bench {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Three lines behind an empty one, each continued where it is longer than 100 columns: the program,
// the machine, the flags. What is not known is left out; nothing without facts.
void append_facts(std::string& out, const Facts& facts);
// A comment for each, as HdrHistogram's tools pass over: "#[kernel: Linux 6.1]".
void append_comments(std::string& out, const Facts& facts);

}  // namespace saker::bench
