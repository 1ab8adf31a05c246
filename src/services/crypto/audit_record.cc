#include "saker/services/crypto/audit_record.h"

#include <openssl/evp.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>

namespace saker::crypto {
namespace {

constexpr std::string_view kStart = "{\"sequence\":";
constexpr std::string_view kPrev = ",\"prev\":\"";
constexpr std::string_view kHash = "\",\"hash\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr size_t kHexBytes = 64;
constexpr size_t kTailBytes = kPrev.size() + kHash.size() + kEnd.size() + 2 * kHexBytes;

void append_hex(std::string& out, Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

std::string sha256_hex(std::string_view text) {
  uint8_t digest[32] = {};
  std::string hex;
  if (EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha256(), nullptr) == 1)
    append_hex(hex, digest);
  return hex;
}

// RFC 8259 section 7. Identities come from certificates: anything may be in them.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_time(std::string& out, int64_t time_ns) {
  const time_t seconds = time_ns / 1'000'000'000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[96];
  std::snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ\"", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<long long>(time_ns % 1'000'000'000));
  out += text;
}

std::string start_line(uint64_t sequence, int64_t time_ns) {
  std::string line(kStart);
  line += std::to_string(sequence) + ",\"time\":";
  append_time(line, time_ns);
  return line;
}

// The parts of a line that hold the chain together.
struct Links {
  uint64_t sequence;
  std::string_view prev;
  std::string_view hash;
  std::string_view hashed;
};

std::optional<Links> read_links(std::string_view line) {
  if (line.size() < kStart.size() + kTailBytes || !line.starts_with(kStart)) return std::nullopt;
  const std::string_view tail = line.substr(line.size() - kTailBytes);
  const size_t hash_at = kPrev.size() + kHexBytes;
  if (!tail.starts_with(kPrev) || !tail.ends_with(kEnd) ||
      tail.substr(hash_at, kHash.size()) != kHash)
    return std::nullopt;
  Links links{};
  const char* const digits = line.data() + kStart.size();
  const auto [end, error] = std::from_chars(digits, line.data() + line.size(), links.sequence);
  if (error != std::errc() || *end != ',') return std::nullopt;
  links.prev = tail.substr(kPrev.size(), kHexBytes);
  links.hash = tail.substr(hash_at + kHash.size(), kHexBytes);
  links.hashed = line.substr(0, line.size() - kTailBytes + hash_at + 1);  // with prev's last quote
  return links;
}

}  // namespace

std::string AuditChain::seal(std::string line) {
  ++sequence_;
  line.append(kPrev).append(hash_) += '"';
  hash_ = sha256_hex(line);
  return line.append(kHash.substr(1)).append(hash_).append(kEnd) + '\n';
}

std::string AuditChain::append(const AuditRecord& record) {
  std::string line = start_line(sequence_ + 1, record.time_ns);
  line += ",\"identity\":";
  append_string(line, record.identity);
  line += ",\"key\":";
  append_string(line, record.key);
  line += ",\"version\":" + std::to_string(record.version);
  line.append(",\"algorithm\":\"").append(name(record.algorithm)) += "\",\"digest\":\"";
  append_hex(line, record.digest.span());
  line.append("\",\"result\":\"").append(record.result) += '"';
  return seal(std::move(line));
}

std::string AuditChain::append_lost(int64_t time_ns, uint64_t records) {
  return seal(start_line(sequence_ + 1, time_ns) + ",\"lost\":" + std::to_string(records));
}

std::string AuditChain::append_reopened(int64_t time_ns) {
  return seal(start_line(sequence_ + 1, time_ns) + ",\"reopened\":true");
}

AuditChain AuditChain::behind(std::string_view hash) {
  AuditChain chain;
  chain.any_sequence_ = true;
  chain.hash_ = hash;
  return chain;
}

Result<void> AuditChain::follow(std::string_view line) {
  const auto links = read_links(line);
  if (!links) return fail("is no audit record");
  if (links->sequence != sequence_ + 1 && !any_sequence_) {
    return fail("has sequence " + std::to_string(links->sequence) + ", not " +
                std::to_string(sequence_ + 1));
  }
  if (links->prev != hash_) return fail("does not continue the line before: prev is not its hash");
  if (sha256_hex(links->hashed) != links->hash) return fail("was changed: its hash is another");
  sequence_ = links->sequence;
  any_sequence_ = false;
  hash_ = links->hash;
  return {};
}

Result<AuditChain> AuditChain::resume(std::string_view line) {
  const auto links = read_links(line);
  if (!links || sha256_hex(links->hashed) != links->hash) return fail("is no sound audit record");
  AuditChain chain;
  chain.sequence_ = links->sequence;
  chain.hash_ = links->hash;
  return chain;
}

}  // namespace saker::crypto
