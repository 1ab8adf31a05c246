// Limits of the Crypto service that its clients may want to know; docs/limits.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saker::crypto {

// Longer ones come as digests, or by SignStream.
inline constexpr size_t kMaxMessageBytes = 64 * 1024;  // limit: a message to hash
inline constexpr int kMaxBatchRequests = 1024;         // limit: signatures of one SignBatch
inline constexpr size_t kBatchPiece = 16;              // limit: of them made without a pause
inline constexpr uint32_t kMaxPageKeys = 256;          // limit: keys of one ListKeys reply
inline constexpr size_t kMaxPieceBytes = 1024 * 1024;  // limit: data of one SignStream request

}  // namespace saker::crypto
