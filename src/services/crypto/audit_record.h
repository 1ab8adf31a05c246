// Audit records: one JSON line per signature, each with the hash of the one before, so that a line
// that is changed, dropped or put in breaks the chain there. What the chain cannot show by itself is
// that its end is missing, or that somebody has recomputed it from some line on, which takes no key:
// keep the last hash elsewhere. Pure: knows no file and no clock.
//
//   {"sequence":7,"time":"2026-01-31T12:00:00.000000001Z","identity":"uid:1000","key":"pay",
//    "version":2,"algorithm":"ECDSA_P256_SHA256","digest":"<hex>","result":"OK",
//    "prev":"<64 hex>","hash":"<64 hex>"}
//
// `hash` is the SHA-256 of the line's bytes before `,"hash"`; `prev` is the `hash` of the line
// before, 64 zeros in the first. Thread rule: one thread's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "saker/base/bytes.h"
#include "saker/base/result.h"
#include "saker/services/crypto/algorithm.h"

namespace saker::crypto {

struct MessageDigest {
  std::array<uint8_t, kMaxDigestBytes> bytes{};
  size_t size = 0;
  Bytes span() const { return Bytes(bytes).first(size); }
};

struct AuditRecord {
  int64_t time_ns = 0;   // since the epoch
  std::string identity;  // policy.h's identity_of()
  std::string key;
  uint32_t version = 0;
  Algorithm algorithm{};
  MessageDigest digest;
  std::string_view result;  // name of a gRPC status; "OK": the signature was made
};

// Where a chain stands: what its next line continues.
class AuditChain {
 public:
  uint64_t sequence() const { return sequence_; }  // of the last line; 0: none yet
  std::string_view hash() const { return hash_; }  // of the last line, in hexadecimal

  // The next line, with its newline.
  std::string append(const AuditRecord& record);
  // A line instead of `records` that could not be written.
  std::string append_lost(int64_t time_ns, uint64_t records);
  // The first line of a file that continues another one: so that even a file without signatures
  // says where the chain stands.
  std::string append_reopened(int64_t time_ns);
  // Goes on to `line` (without its newline) if it is the next one; the error says what is wrong.
  Result<void> follow(std::string_view line);
  // The chain as it stands after `line`, which must be sound in itself.
  static Result<AuditChain> resume(std::string_view line);
  // A chain whose next line, of whatever sequence, continues the one with this hash.
  static AuditChain behind(std::string_view hash);

 private:
  std::string seal(std::string line);

  uint64_t sequence_ = 0;
  bool any_sequence_ = false;  // of the next line
  std::string hash_ = std::string(64, '0');
};

}  // namespace saker::crypto
