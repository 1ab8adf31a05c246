// RequestTemplate: a text with places that differ from call to call, parsed once.
//
//   {{seq}}               the number of the call, from 0, warm-up and all threads included
//   {{uuid}}              a random UUID (RFC 9562, version 4)
//   {{random LOW HIGH}}   a whole number, both ends included
//   {{randbytes SIZE}}, {{randbytes LOW HIGH}}    so many random bytes in base64
//   {{randbytes exponential MEAN MAX}}            the same, sizes of that distribution
//   {{randbytes lognormal MEDIAN SIGMA MAX}}
//
// Sizes above MAX are MAX. What stands in a place is a function of seed, call and place alone: no
// state, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"

namespace saker::app {

class RequestTemplate {
 public:
  static constexpr size_t kMaxBytes = size_t{1} << 20;  // limit: of one randbytes, before base64

  // An error says at which character, from 1, the text is wrong, and why.
  static Result<RequestTemplate> parse(std::string_view text);

  bool is_constant() const { return places_.empty(); }
  // Replaces `out` by the text for that call.
  void expand(uint64_t seed, uint64_t call, std::string& out) const;
  // The texts whose numbers and sizes are all at their lowest or highest.
  std::string lowest() const { return extreme(false); }
  std::string highest() const { return extreme(true); }

 private:
  enum class Kind : uint8_t { kSequence, kUuid, kNumber, kBytes };
  enum class Shape : uint8_t { kUniform, kExponential, kLognormal };
  struct Place {
    size_t offset = 0;  // in text_, of what stands behind it
    Kind kind = Kind::kSequence;
    Shape shape = Shape::kUniform;
    int64_t low = 0;
    int64_t high = 0;
    double middle = 0;  // the mean, or the median
    double sigma = 0;   // of the logarithm
  };

  static Result<Place> parse_place(std::string_view inner);
  static Result<Place> parse_numbers(const std::vector<std::string_view>& words, Place place);
  static Result<Place> parse_shape(const std::vector<std::string_view>& words, Place place);
  // Two numbers of even distribution over 64 bits decide.
  static size_t draw(const Place& place, uint64_t one, uint64_t other);
  std::string extreme(bool highest) const;

  std::string text_;  // without the places
  std::vector<Place> places_;
};

}  // namespace saker::app
