// read_file(): a whole file, or standard input, as bytes.
#pragma once

#include <cstdint>
#include <string>

#include "saker/base/result.h"

namespace saker::app {

inline constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

// `path` "-": standard input. The error names the path; more than `most` bytes are one.
Result<std::string> read_file(const std::string& path, uint64_t most = kMaxFileBytes);

}  // namespace saker::app
