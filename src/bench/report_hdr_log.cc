// HdrHistogram's log of histograms (format 1.3), which its tools merge, cut and plot, in any of its
// languages. Our buckets are HdrHistogram's for a lowest value of 1 and three digits, so that a
// counter goes where it stands.
//
//   compressed: cookie 0x1c849314, length, zlib(
//     cookie 0x1c849313, payload length, normalizing offset 0, digits 3, lowest 1, highest,
//     ratio 1.0, counters as zigzag LEB128 where a negative number is that many zeros)
//
// All integers big-endian; https://github.com/HdrHistogram/HdrHistogram,
// AbstractHistogram.encodeIntoByteBuffer().
#include <zlib.h>

#include <bit>
#include <cstdio>

#include "saker/base/check.h"
#include "saker/bench/report_format.h"

namespace saker::bench {
namespace {

constexpr uint32_t kCookie = 0x1c849303 | 0x10;            // V2, counters of variable length
constexpr uint32_t kCompressedCookie = 0x1c849304 | 0x10;  // the same, compressed

template <typename Number>
void append_number(std::string& out, Number value) {
  for (size_t byte = sizeof value; byte-- > 0;) out += static_cast<char>(value >> (8 * byte));
}

void append_zigzag(std::string& out, int64_t value) {
  uint64_t rest = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  // Nine bytes at most: the ninth has eight bits.
  for (int byte = 0; byte < 8; ++byte) {
    if (rest < 0x80) break;
    out += static_cast<char>((rest & 0x7F) | 0x80);
    rest >>= 7;
  }
  out += static_cast<char>(rest);
}

std::string counters(const Histogram& histogram) {
  std::string out;
  size_t next = 0;
  histogram.each_bucket([&](uint64_t lowest_ns, uint64_t, uint64_t count) {
    const size_t index = Histogram::bucket_of(lowest_ns);
    if (index > next) append_zigzag(out, -static_cast<int64_t>(index - next));
    append_zigzag(out, static_cast<int64_t>(count));
    next = index + 1;
  });
  return out;
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  const int result = compress(reinterpret_cast<Bytef*>(out.data()), &size,
                              reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  SAKER_CHECK(result == Z_OK);  // it fails for want of memory only
  out.resize(size);
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      const auto byte = at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0u;
      group = group << 8 | byte;
    }
    for (size_t i = 0; i < 4; ++i) {
      out += at + i <= bytes.size() ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

void append_interval(std::string& out, const Report& report, const char* tag,
                     const Histogram& histogram) {
  char line[128];
  (void)std::snprintf(line, sizeof line, "Tag=%s,%.3f,%.3f,%.6f,", tag, 0.0,
                      seconds(report.duration), static_cast<double>(histogram.max().count()) / 1e6);
  out.append(line).append(encode_hdr(histogram)).append("\n");
}

}  // namespace

std::string encode_hdr(const Histogram& histogram) {
  const std::string payload = counters(histogram);
  std::string plain;
  append_number(plain, kCookie);
  append_number(plain, static_cast<uint32_t>(payload.size()));
  append_number(plain, uint32_t{0});
  append_number(plain, uint32_t{3});
  append_number(plain, uint64_t{1});
  append_number(plain, Histogram::kHighestNs);
  append_number(plain, std::bit_cast<uint64_t>(1.0));
  plain += payload;
  const std::string packed = deflated(plain);
  std::string whole;
  append_number(whole, kCompressedCookie);
  append_number(whole, static_cast<uint32_t>(packed.size()));
  return base64(whole + packed);
}

std::string format_hdr_log(const Report& report) {
  char line[128];
  (void)std::snprintf(line, sizeof line, "#[StartTime: %.3f (seconds since epoch)]\n",
                      static_cast<double>(report.started_at_unix_ms) / 1e3);
  std::string out = "#[Logged with saker bench: latencies in nanoseconds]\n";
  append_comments(out, report.environment);
  out.append("#[Histogram log format version 1.3]\n").append(line);
  out.append(
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
      "\"Interval_Compressed_Histogram\"\n");
  append_interval(out, report, "corrected", report.corrected);
  append_interval(out, report, "uncorrected", report.uncorrected);
  return out;
}

}  // namespace saker::bench
