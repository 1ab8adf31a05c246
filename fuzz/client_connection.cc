// Any server at our HTTP/2 client: see connection.h. The first bytes say how the input is cut, and how
// much work each turn may do. Requests are open before the input and sent while it comes, after each
// piece or after each turn.
#include "connection.h"

namespace saker {
namespace {

constexpr int kRequests = 6;

void open_requests(h2::Endpoint& endpoint) {
  for (int at = 0; at < kRequests; ++at) endpoint.open(h2::kRequest, at % 2 == 0);
}

std::string run(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kClient, fuzz::kOptions);
  open_requests(endpoint);
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) { endpoint.recv(piece); });
  return fuzz::text_of(endpoint);
}

std::string run_by_turns(Bytes bytes, Bytes cuts) {
  h2::Endpoint endpoint(h2::Role::kClient, fuzz::kOptions);
  open_requests(endpoint);
  fuzz::Turns turns(cuts);
  fuzz::feed_in_pieces(bytes, cuts,
                       [&](Bytes piece) { fuzz::recv_by_turns(endpoint, piece, turns); });
  return fuzz::text_of(endpoint);
}

void send_on_all(h2::Endpoint& endpoint) {
  const std::string text(700, 'x');
  for (h2::StreamId id = 1; id < 64; id += 2) {
    if (!endpoint.events.has_stream(id)) continue;
    const h2::Stream& stream = endpoint.stream(id);
    if (!stream.send_closed && !stream.pending_end) endpoint.send_data(id, text, id % 4 == 1);
  }
}

void run_with_requests(Bytes bytes, Bytes cuts, bool by_turns) {
  h2::Endpoint endpoint(h2::Role::kClient, fuzz::kOptions);
  open_requests(endpoint);
  fuzz::Turns turns(cuts);
  const auto go_on = [&] {
    send_on_all(endpoint);
    if (endpoint->can_open_stream()) endpoint.open(h2::kRequest);
    endpoint.sent();
  };
  fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) {
    if (by_turns) return fuzz::recv_by_turns(endpoint, piece, turns, go_on);
    endpoint.recv(piece);
    go_on();
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
  const auto bytes = input.ConsumeRemainingBytes<uint8_t>();
  const std::string whole = run(bytes, {});
  fuzz::expect(run(bytes, cuts) == whole, "cutting the input changes nothing");
  fuzz::expect(run_by_turns(bytes, cuts) == whole, "nor do turns with little work");
  run_with_requests(bytes, cuts, cuts.size() % 2 == 0);
  return 0;
}
