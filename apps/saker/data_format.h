// DataFormat: how messages are written where people and scripts see them.
#pragma once

#include <cstdint>
#include <string_view>

#include "saker/base/result.h"

namespace saker::app {

enum class DataFormat : uint8_t {
  kJson,    // proto3's JSON mapping; one document after the other
  kText,    // protobuf's text format; messages separated by the byte 0x1E (RS)
  kBinary,  // the bytes of the wire; each message of a stream behind its length as a varint
};

inline constexpr char kTextSeparator = '\x1E';

inline Result<DataFormat> parse_data_format(std::string_view name) {
  if (name == "json") return DataFormat::kJson;
  if (name == "text") return DataFormat::kText;
  if (name == "binary") return DataFormat::kBinary;
  return fail("'" + std::string(name) + "' is none of json, text, binary");
}

}  // namespace saker::app
