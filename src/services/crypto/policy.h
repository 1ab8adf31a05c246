// Policy: which caller may do what with which key, and how often. Rules are tried in order and the
// first that fits decides; where none fits, no. Pure: knows no file and no clock.
// Thread rule: immutable; a changed policy is a new one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/rpc/server_context.h"

namespace saker::crypto {

enum class Operation : uint8_t { kList = 1, kGet = 2, kSign = 4, kVerify = 8 };
std::optional<Operation> parse_operation(std::string_view text);  // "sign"

// A set of callers: `any`, `uid:1000`, `gid:1000`, `cid:42`, `ip:10.0.0.0/8`, `vsock-mux:/PATH:PORT`,
// `spiffe://DOMAIN/PATH`, `dns:NAME`. The last three may hold `*`, as in a glob: the address at which
// a multiplexer serves a guest, and the names of a verified certificate.
class CallerPattern {
 public:
  static Result<CallerPattern> parse(std::string_view text);
  bool matches(const net::Peer& peer) const;

 private:
  enum class Kind : uint8_t { kAny, kUid, kGid, kCid, kIp, kMux, kUri, kDns };
  Kind kind_ = Kind::kAny;
  uint64_t number_ = 0;
  std::vector<uint8_t> address_;  // 4 or 16 bytes
  unsigned prefix_bits_ = 0;
  std::string name_;  // a glob

  bool matches_ip(const net::Peer& peer) const;
  bool any_matches(std::span<const std::string> names) const;
};

// The rate of one caller and one key by one rule.
struct RateLimit {
  double per_second = 0;
  double burst = 1;
  uint32_t rule = 0;  // which one of its policy, counted from 1
  bool operator==(const RateLimit&) const = default;
};

struct PolicyRule {
  std::vector<CallerPattern> callers;
  std::vector<std::string> keys;  // globs
  unsigned operations = 0;        // a set of Operation
  std::optional<RateLimit> rate;  // of signing and verifying
};

class Policy {
 public:
  explicit Policy(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}
  // Null: no.
  const PolicyRule* find(const net::Peer& peer, std::string_view key, Operation operation) const;

 private:
  std::vector<PolicyRule> rules_;
};

// `*` stands for any text, `?` for any one byte.
bool matches_glob(std::string_view pattern, std::string_view text);

// The caller in one canonical word, for audit records and rate limits: the certificate's first name,
// or "uid:1000", "cid:42", "vsock-mux:/run/v.sock:50051", "ip:10.0.0.7", in this order; "unknown"
// where nothing is known.
std::string identity_of(const net::Peer& peer);

// "ipv4:10.0.0.7:1234" and "ipv6:[::1]:1234" as the address alone; empty: neither.
std::string_view ip_of(const net::Peer& peer);

// A policy file, TOML:
//
//   [[rule]]
//   callers = ["spiffe://prod.example/payments/*", "uid:1000"]
//   keys = ["payments-*"]
//   operations = ["get", "sign"]
//   rate = "100/s"     optional: /s, /m or /h
//   burst = 200        optional: one second's worth, at least 1
//
// Errors begin with "`name`:LINE".
Result<Policy> parse_policy(std::string_view text, const std::string& name);

}  // namespace saker::crypto
