#include "saker/base/crc32c.h"

#include <array>
#include <cstddef>

namespace saker {
namespace {

constexpr uint32_t kReflectedPolynomial = 0x82f63b78;
constexpr size_t kSlices = 8;
using Table = std::array<std::array<uint32_t, 256>, kSlices>;

// Slicing by eight: kTable[k][b] is the checksum of byte b followed by k zero bytes.
constexpr Table make_table() {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReflectedPolynomial : 0);
    table[0][byte] = crc;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = table[slice - 1][byte];
      table[slice][byte] = shorter >> 8 ^ table[0][shorter & 0xff];
    }
  }
  return table;
}

constexpr Table kTable = make_table();

// The checksum's bit order.
uint64_t load_le64(const uint8_t* p) {
  return __builtin_bswap64(load_be64(p));
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(Bytes bytes, uint32_t before) {
  uint64_t crc = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8))
    crc = __builtin_ia32_crc32di(crc, load_le64(bytes.data()));
  auto last = static_cast<uint32_t>(crc);
  for (const uint8_t byte : bytes) last = __builtin_ia32_crc32qi(last, byte);
  return ~last;
}
#endif

}  // namespace

uint32_t crc32c_by_table(Bytes bytes, uint32_t before) {
  uint32_t crc = ~before;
  for (; bytes.size() >= kSlices; bytes = bytes.subspan(kSlices)) {
    const uint64_t mixed = load_le64(bytes.data()) ^ crc;
    crc = 0;
    for (size_t i = 0; i < kSlices; ++i) crc ^= kTable[kSlices - 1 - i][mixed >> (8 * i) & 0xff];
  }
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ kTable[0][(crc ^ byte) & 0xff];
  return ~crc;
}

uint32_t crc32c(Bytes bytes, uint32_t before) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction(bytes, before);
#endif
  return crc32c_by_table(bytes, before);
}

}  // namespace saker
