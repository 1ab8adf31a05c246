// The static table (RFC 7541 appendix A): 61 fields, ready to be handed out, and the way from a
// name back to its index.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "saker/hpack/field.h"

namespace saker::hpack {

constexpr uint32_t kStaticEntries = 61;

// By HPACK index, 1 to kStaticEntries; [0] is empty and never handed out.
extern const std::array<Field, kStaticEntries + 1> kStaticTable;

// The lowest index with this name, or 0.
uint32_t static_index_of(std::string_view name);
// The index with this name and value, or 0; `first` is static_index_of(name).
uint32_t static_index_of(uint32_t first, std::string_view value);

}  // namespace saker::hpack
