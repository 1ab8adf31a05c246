// What the fuzzers share: an expectation that ends the fuzzer, and input cut into pieces that are
// heap copies of their exact size, so that ASan sees any over-read.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "saker/base/bytes.h"

namespace saker::fuzz {

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  __builtin_trap();
}

// An owner of exactly these bytes.
class Piece {
 public:
  explicit Piece(Bytes bytes)
      : size_(bytes.size()), bytes_(std::make_unique<uint8_t[]>(bytes.size())) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  operator Bytes() const { return {bytes_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<uint8_t[]> bytes_;
};

// Calls feed(Bytes) for each piece of `bytes`; `cuts` says how long each is (0 and none: the rest).
template <typename Feed>
void feed_in_pieces(Bytes bytes, Bytes cuts, Feed feed) {
  for (size_t at = 0; !bytes.empty(); ++at) {
    const size_t cut = at < cuts.size() && cuts[at] != 0 ? cuts[at] : bytes.size();
    const size_t size = std::min(cut, bytes.size());
    feed(Bytes(Piece(bytes.first(size))));
    bytes = bytes.subspan(size);
  }
}

}  // namespace saker::fuzz
