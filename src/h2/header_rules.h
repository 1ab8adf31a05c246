// What a header block must look like to be a request, a response or trailers (RFC 9113 section 8):
// pseudo-header fields first, each once, the right ones; no connection-specific fields; legal names
// and values. Pure checks on decoded fields.
#pragma once

#include <cstdint>
#include <span>

#include "saker/hpack/field.h"

namespace saker::h2 {

struct HeadFacts {
  const char* malformed = nullptr;  // null, or what is wrong (static text)
  int64_t content_length = -1;      // as declared; -1: not declared
  int status = 0;                   // responses: 100..999
};

HeadFacts check_request(std::span<const hpack::Field> fields);
HeadFacts check_response(std::span<const hpack::Field> fields);
HeadFacts check_trailers(std::span<const hpack::Field> fields);

}  // namespace saker::h2
