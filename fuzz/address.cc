// Any text as an address: an error that says something, or an address whose canonical form is read
// back as the same.
#include <string_view>

#include "fuzz.h"
#include "saker/net/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto address = net::parse_address(text);
  if (!address) {
    fuzz::expect(!address.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  const auto again = net::parse_address(net::to_string(*address));
  fuzz::expect(again && *again == *address, "the canonical form is the same address");
  return 0;
}
