#include "request_template.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

#include "saker/grpc/base64.h"

namespace saker::app {
namespace {

// SplitMix64: a stream of random numbers for each place of each call.
class Stream {
 public:
  Stream(uint64_t seed, uint64_t call, uint64_t place)
      : state_(mixed(mixed(seed + call * kStep) + place * kStep)) {}
  uint64_t next() { return mixed(state_ += kStep); }
  // 0 to `highest`, by the upper half of a product (Lemire), whose bias is below 2^-64 of the range.
  uint64_t up_to(uint64_t highest) {
    if (highest == UINT64_MAX) return next();
    const auto product = static_cast<unsigned __int128>(next()) * (highest + 1);
    return static_cast<uint64_t>(product >> 64);
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  static uint64_t mixed(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint64_t state_;
};

void append_number(std::string& out, auto number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_uuid(std::string& out, Stream random) {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t halves[] = {(random.next() & ~uint64_t{0xF000}) | 0x4000,
                             (random.next() & ~(uint64_t{3} << 62)) | uint64_t{2} << 62};
  for (unsigned i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += kDigits[halves[i / 16] >> (60 - i % 16 * 4) & 0xF];
  }
}

void append_bytes(std::string& out, size_t size, Stream random) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; i += 8) {
    uint64_t number = random.next();
    for (size_t k = i; k < std::min(i + 8, size); ++k, number >>= 8) {
      bytes[k] = static_cast<char>(number);
    }
  }
  const size_t at = out.size();
  out.resize(at + grpc::base64_encoded_size(size));
  grpc::base64_encode(as_bytes(bytes), out.data() + at);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

template <typename Number>
std::optional<Number> read_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Above 0 and at most 1.
double unit_of(uint64_t random) {
  return (static_cast<double>(random >> 11) + 1) * 0x1p-53;
}

}  // namespace

Result<RequestTemplate::Place> RequestTemplate::parse_place(std::string_view inner) {
  const auto words = words_of(inner);
  const std::string_view name = words.empty() ? std::string_view() : words[0];
  Place place;
  if (name == "seq" || name == "uuid") {
    if (words.size() != 1) return fail(std::string(name) + " takes nothing");
    place.kind = name == "seq" ? Kind::kSequence : Kind::kUuid;
    return place;
  }
  if (name != "random" && name != "randbytes") return fail("known: seq, uuid, random, randbytes");
  place.kind = name == "random" ? Kind::kNumber : Kind::kBytes;
  const bool has_shape = place.kind == Kind::kBytes && words.size() > 1 &&
                         (words[1] == "exponential" || words[1] == "lognormal");
  return has_shape ? parse_shape(words, place) : parse_numbers(words, place);
}

Result<RequestTemplate::Place> RequestTemplate::parse_numbers(
    const std::vector<std::string_view>& words, Place place) {
  const bool is_number = place.kind == Kind::kNumber;
  const bool fits = words.size() == 3 || (words.size() == 2 && !is_number);
  const auto low = fits ? read_number<int64_t>(words[1]) : std::nullopt;
  const auto high = fits ? read_number<int64_t>(words.back()) : std::nullopt;
  if (!low || !high) {
    return fail(is_number ? "random takes two whole numbers, like random 1 100"
                          : "randbytes takes one size or two, like randbytes 16 256, or a "
                            "distribution, exponential or lognormal");
  }
  if (*low > *high) return fail("the first number is above the second");
  if (!is_number && (*low < 0 || *high > static_cast<int64_t>(kMaxBytes))) {
    return fail("randbytes makes 0 to 1048576 bytes");
  }
  place.low = *low;
  place.high = *high;
  return place;
}

Result<RequestTemplate::Place> RequestTemplate::parse_shape(
    const std::vector<std::string_view>& words, Place place) {
  const bool is_lognormal = words[1] == "lognormal";
  place.shape = is_lognormal ? Shape::kLognormal : Shape::kExponential;
  const bool fits = words.size() == (is_lognormal ? 5u : 4u);
  const auto middle = fits ? read_number<double>(words[2]) : std::nullopt;
  const auto sigma = fits && is_lognormal ? read_number<double>(words[3]) : std::nullopt;
  const auto high = fits ? read_number<int64_t>(words.back()) : std::nullopt;
  if (!middle || !high || (is_lognormal && !sigma)) {
    return fail(is_lognormal ? "lognormal takes MEDIAN SIGMA MAX, like lognormal 1000 1.5 65536"
                             : "exponential takes MEAN MAX, like exponential 1000 65536");
  }
  const auto most = static_cast<double>(kMaxBytes);
  if (!(*middle > 0 && *middle <= most) || *high < 1 || *high > static_cast<int64_t>(kMaxBytes)) {
    return fail("randbytes makes 0 to 1048576 bytes");
  }
  place.sigma = sigma.value_or(0);
  if (!(place.sigma >= 0 && place.sigma <= 10)) return fail("SIGMA is 0 to 10");
  place.middle = *middle;
  place.high = *high;
  return place;
}

size_t RequestTemplate::draw(const Place& place, uint64_t one, uint64_t other) {
  double value = 0;
  if (place.shape == Shape::kExponential) {
    value = -std::log(unit_of(one)) * place.middle;
  } else {  // Box-Muller
    const double normal =
        std::sqrt(-2 * std::log(unit_of(one))) * std::cos(2 * std::numbers::pi * unit_of(other));
    value = place.middle * std::exp(place.sigma * normal);
  }
  return static_cast<size_t>(std::min(std::round(value), static_cast<double>(place.high)));
}

Result<RequestTemplate> RequestTemplate::parse(std::string_view text) {
  RequestTemplate out;
  for (size_t at = 0;;) {
    const size_t open = text.find("{{", at);
    out.text_ += text.substr(at, open - at);
    if (open == std::string_view::npos) return out;
    // "{{{seq}}" is a brace and a place.
    if (text.substr(open).starts_with("{{{")) {
      out.text_ += '{';
      at = open + 1;
      continue;
    }
    const size_t close = text.find("}}", open);
    const std::string where = "at character " + std::to_string(open + 1) + ", '";
    if (close == std::string_view::npos) return fail(where + "{{': no }} behind it");
    const std::string_view whole = text.substr(open, close + 2 - open);
    auto place = parse_place(whole.substr(2, whole.size() - 4));
    if (!place) return fail(where + std::string(whole) + "': " + place.error().message);
    place->offset = out.text_.size();
    out.places_.push_back(*place);
    at = close + 2;
  }
}

void RequestTemplate::expand(uint64_t seed, uint64_t call, std::string& out) const {
  out.clear();
  size_t at = 0;
  for (size_t index = 0; index < places_.size(); ++index) {
    const Place& place = places_[index];
    out.append(text_, at, place.offset - at);
    at = place.offset;
    Stream random(seed, call, index);
    const auto range = static_cast<uint64_t>(place.high) - static_cast<uint64_t>(place.low);
    switch (place.kind) {
      case Kind::kSequence:
        append_number(out, call);
        break;
      case Kind::kUuid:
        append_uuid(out, random);
        break;
      case Kind::kNumber:
        append_number(out,
                      static_cast<int64_t>(static_cast<uint64_t>(place.low) + random.up_to(range)));
        break;
      case Kind::kBytes:
        if (place.shape == Shape::kUniform) {
          append_bytes(out, static_cast<size_t>(place.low) + random.up_to(range), random);
        } else {
          const uint64_t one = random.next();
          append_bytes(out, draw(place, one, random.next()), random);
        }
        break;
    }
  }
  out.append(text_, at);
}

std::string RequestTemplate::extreme(bool highest) const {
  RequestTemplate fixed = *this;
  for (Place& place : fixed.places_) {
    place.shape = Shape::kUniform;
    (highest ? place.low : place.high) = highest ? place.high : place.low;
  }
  std::string text;
  fixed.expand(0, 0, text);
  return text;
}

}  // namespace saker::app
