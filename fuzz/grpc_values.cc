// Values of gRPC's own header fields, any bytes: nothing is read or written past its end, and what
// can be written is read back as it was. A path has one reading: its two parts joined are the path, and
// what is refused is not of that shape. Content types are what they are in any case, with any
// parameters. Metadata that is refused leaves nothing behind.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "saker/grpc/base64.h"
#include "saker/grpc/http.h"
#include "saker/grpc/metadata.h"
#include "saker/grpc/path.h"
#include "saker/grpc/percent.h"
#include "saker/grpc/timeout.h"

namespace saker {
namespace {

void check_timeout(std::string_view text) {
  const auto timeout = grpc::parse_timeout(text);
  if (!timeout) return;
  char out[grpc::kMaxTimeoutBytes];
  const auto again = grpc::parse_timeout({out, grpc::encode_timeout(*timeout, out)});
  fuzz::expect(again && *again >= *timeout, "a timeout is never shortened");
  fuzz::expect(*again - *timeout <= *timeout / 1000, "nor made longer by more than 0.1 %");
}

void check_percent(std::string_view text) {
  std::string encoded;
  std::string decoded;
  grpc::append_percent_encoded(text, encoded);
  fuzz::expect(grpc::is_legal_ascii_value(encoded), "an encoded message may stand in a field");
  grpc::append_percent_decoded(encoded, decoded);
  fuzz::expect(decoded == text, "a message comes back");
  grpc::append_percent_decoded(text, decoded);
}

void check_base64(std::string_view text) {
  std::string encoded(grpc::base64_encoded_size(text.size()), '\0');
  fuzz::expect(grpc::base64_encode(as_bytes(text), encoded.data()) == encoded.size(), "its size");
  std::vector<uint8_t> decoded(grpc::base64_max_decoded_size(encoded.size()));
  const auto size = grpc::base64_decode(encoded, decoded.data());
  fuzz::expect(size && as_text({decoded.data(), *size}) == text, "bytes come back");
  std::vector<uint8_t> any(grpc::base64_max_decoded_size(text.size()));
  if (const auto got = grpc::base64_decode(text, any.data())) {
    fuzz::expect(*got <= any.size(), "within the bound");
  }
}

void check_received(std::string_view value) {
  grpc::Metadata metadata;
  fuzz::expect(metadata.add_received("x", value) && metadata.find("x") == value, "as it came");
  metadata.clear();
  const auto parts = static_cast<size_t>(std::ranges::count(value, ',')) + 1;
  const bool added = metadata.add_received("x-bin", value);
  fuzz::expect(metadata.size() == (added ? parts : 0), "each part is a value, or none is");
}

void check_metadata(std::string_view name, std::string_view value) {
  grpc::Metadata metadata;
  if (metadata.add(name, value) == grpc::AddResult::kOk) {
    grpc::Metadata received;
    std::string scratch;
    metadata.each_wire(scratch, [&](std::string_view wire_name, std::string_view wire_value) {
      fuzz::expect(received.add_received(wire_name, wire_value), "what we send can be read");
    });
    fuzz::expect(received.find(name) == value, "a value comes back");
    fuzz::expect(received.list_bytes() == metadata.list_bytes(), "and is counted alike");
  }
  check_received(value);
}

// Router and access control must read the same name, so nothing is decoded, folded or dropped.
void check_path(std::string_view text) {
  const auto path = grpc::split_path(text);
  const size_t last = text.rfind('/');
  const bool has_shape = text.starts_with('/') && std::ranges::count(text, '/') == 2 && last > 1 &&
                         last + 1 < text.size();
  fuzz::expect(path.has_value() == has_shape, "a slash, a part, a slash, a part");
  if (!path) return;
  const std::string joined = "/" + std::string(path->service) + "/" + std::string(path->method);
  fuzz::expect(joined == text, "the parts joined are the path");
  fuzz::expect(
      path->service.data() == text.data() + 1 && path->method.data() == text.data() + last + 1,
      "the parts point into it");
}

void check_content_type(std::string_view text) {
  const grpc::ContentType type = grpc::classify_content_type(text);
  std::string other(text);
  for (char& c : other) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  fuzz::expect(grpc::classify_content_type(other) == type, "in any case");
  fuzz::expect(grpc::classify_content_type(other + " ;v=1") == type, "with any parameters");
  fuzz::expect(type == grpc::ContentType::kNotGrpc || other.starts_with("APPLICATION/GRPC"),
               "gRPC begins so");
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  const std::string name = input.ConsumeRandomLengthString(40);
  const std::string text = input.ConsumeRemainingBytesAsString();
  check_timeout(text);
  check_percent(text);
  check_base64(text);
  check_metadata(name, text);
  check_metadata("x-bin", text);
  check_path(text);
  check_path("/" + name + "/" + text);
  check_content_type(text);
  return 0;
}
