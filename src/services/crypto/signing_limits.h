// Limits of the Crypto service that its clients may want to know; docs/limits.md.
#pragma once

#include <cstddef>

namespace saker::crypto {

// Longer ones come as digests.
inline constexpr size_t kMaxMessageBytes = 64 * 1024;  // limit: a message to hash
inline constexpr int kMaxBatchRequests = 1024;         // limit: signatures of one SignBatch

}  // namespace saker::crypto
