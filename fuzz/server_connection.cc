// Any client at our HTTP/2 server: see connection.h. The first bytes say how the input is cut, and how
// much work each turn may do; another connection answers every request on the way, after each piece or
// after each turn, and lives through time-outs.
#include "connection.h"

namespace saker {
namespace {

std::string run(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kServer, fuzz::kOptions);
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) { endpoint.recv(piece); });
  return fuzz::text_of(endpoint);
}

std::string run_by_turns(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kServer, fuzz::kOptions);
  fuzz::Turns turns(cuts);
  fuzz::feed_in_pieces(bytes, cuts,
                       [&](Bytes piece) { fuzz::recv_by_turns(endpoint, piece, turns); });
  return fuzz::text_of(endpoint);
}

void run_with_replies(Bytes bytes, Bytes cuts, bool by_turns) {
  h2::Endpoint endpoint(h2::Role::kServer, fuzz::kOptions);
  fuzz::Turns turns(cuts);
  uint32_t count = 0;
  const auto reply = [&] {
    fuzz::reply_to_all(endpoint, count++ % 2 == 0);
    endpoint.sent();
  };
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) {
    if (by_turns) return fuzz::recv_by_turns(endpoint, piece, turns, reply);
    endpoint.recv(piece);
    reply();
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
  const std::string whole = run(bytes, {});
  fuzz::expect(run(bytes, cuts) == whole, "cutting the input changes nothing");
  fuzz::expect(run_by_turns(bytes, cuts) == whole, "nor do turns with little work");
  run_with_replies(bytes, cuts, cuts.size() % 2 == 0);
  return 0;
}
