// Length-prefixed messages cut anywhere: the same messages and the same end as from one piece, a
// budget that is kept, and nothing held afterwards.
#include <string>

#include "fuzz.h"
#include "saker/grpc/message.h"

namespace saker {
namespace {

constexpr size_t kBudgetBytes = 100'000;

void append(const grpc::ReceivedMessage& message, std::string& out) {
  out += message.compressed ? "c" : "m";
  if (message.chunks == nullptr) {
    out.append(as_text(message.contiguous));
  } else {
    std::vector<uint8_t> bytes(message.size);
    message.chunks->copy_to(bytes);
    out.append(as_text(Bytes(bytes)));
  }
  out += "\n";
}

std::string read(Bytes bytes, Bytes cuts, uint32_t max_bytes) {
  ChunkPool pool;
  MemoryBudget budget(kBudgetBytes);
  const grpc::MessageContext context{&pool, &budget, max_bytes};
  std::string text;
  {
    grpc::MessageReader reader(context);
    fuzz::feed_in_pieces(bytes, cuts, [&](Bytes piece) {
      for (;;) {
        grpc::ReceivedMessage message;
        const grpc::ReadResult result = reader.next(piece, message);
        fuzz::expect(budget.used() <= kBudgetBytes, "the budget");
        fuzz::expect(reader.charged_bytes() == budget.used(), "what is charged is used");
        if (result == grpc::ReadResult::kMessage) {
          fuzz::expect(message.size <= max_bytes, "max_bytes");
          append(message, text);
          continue;
        }
        if (result == grpc::ReadResult::kBadFlag && !text.ends_with("bad")) text += "bad";
        if (result == grpc::ReadResult::kTooLarge && !text.ends_with("large")) text += "large";
        return;
      }
    });
    if (!reader.at_boundary()) text += " incomplete";
  }
  fuzz::expect(budget.used() == 0 && pool.outstanding() == 0, "all is given back");
  return text;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  const auto cuts = input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, 40));
  const auto max_bytes = input.ConsumeIntegralInRange<uint32_t>(0, 80'000);
  const auto bytes = input.ConsumeRemainingBytes<uint8_t>();
  fuzz::expect(read(bytes, cuts, max_bytes) == read(bytes, {}, max_bytes),
               "cutting changes nothing");
  return 0;
}
