// CRC-32C (Castagnoli), the checksum that cloud KMS APIs, iSCSI and SCTP carry beside their data:
// RFC 3720 section 12.1, polynomial 0x1EDC6F41, reflected, initial value and final exclusive or all
// ones. With the processor's instruction where there is one (found at run time), by table
// elsewhere. Detects accidents, not attackers. Pure.
#pragma once

#include <cstdint>

#include "saker/base/bytes.h"

namespace saker {

// The checksum of `bytes`, or, given that of what came before, of both together:
// crc32c(b, crc32c(a)) == crc32c(a followed by b).
uint32_t crc32c(Bytes bytes, uint32_t before = 0);

// The portable way, which crc32c() takes where it must; both give the same.
uint32_t crc32c_by_table(Bytes bytes, uint32_t before = 0);

}  // namespace saker
