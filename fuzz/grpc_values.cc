// Values of gRPC's own header fields, any bytes: nothing is read or written past its end, and what
// can be written is read back as it was.
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
  (void)metadata.add_received("x-bin", value);
  (void)metadata.add_received("x", value);
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
  (void)grpc::split_path(text);
  (void)grpc::classify_content_type(text);
  return 0;
}
