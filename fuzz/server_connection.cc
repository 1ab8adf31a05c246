// Any client at our HTTP/2 server: see connection.h. The first bytes say how the input is cut; a
// second connection answers every request on the way, and lives through time-outs.
#include "connection.h"

namespace saker {
namespace {

std::string run(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kServer, fuzz::kOptions);
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) { endpoint.recv(piece); });
  return fuzz::text_of(endpoint);
}

void run_with_replies(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kServer, fuzz::kOptions);
  uint32_t turn = 0;
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) {
    endpoint.recv(piece);
    fuzz::reply_to_all(endpoint, turn++ % 2 == 0);
    endpoint.sent();
  });
  endpoint.now += std::chrono::minutes(10);
  endpoint->handle_timeout(endpoint.now);
  endpoint.sent();
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  fuzz::fail_loudly();
  FuzzedDataProvider input(data, size);
  const auto cuts = input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, 40));
  const bool has_preface = input.ConsumeBool();
  std::vector<uint8_t> bytes;
  if (has_preface) bytes.assign(fuzz::kPreface, fuzz::kPreface + sizeof fuzz::kPreface - 1);
  const auto rest = input.ConsumeRemainingBytes<uint8_t>();
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  fuzz::expect(run(bytes, cuts) == run(bytes, {}), "cutting the input changes nothing");
  run_with_replies(bytes, cuts);
  return 0;
}
