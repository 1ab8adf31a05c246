// Length-prefixed messages cut anywhere, and behind them up to 80 kB that a long one may be made of:
// the same messages and the same end as from one piece, a budget that is kept, and nothing held
// afterwards. With hardly any budget, the same messages up to one for which there is none.
#include <string>

#include "fuzz.h"
#include "saker/grpc/message.h"

namespace saker {
namespace {

constexpr size_t kBudgetBytes = 200'000;  // for all that is sent, and twice that while it is moved
constexpr uint32_t kMostFiller = 80'000;
constexpr uint8_t kFillerPiece = 200;
constexpr uint8_t kBadFlag = 2;  // the filler's bytes: it ends where no message goes on

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

struct Outcome {
  std::string messages;
  std::string end;
  bool is_poor = false;  // there was no budget for a message
};

void read_piece(grpc::MessageReader& reader, const MemoryBudget& budget, Bytes piece,
                Outcome& outcome) {
  for (;;) {
    grpc::ReceivedMessage message;
    const grpc::ReadResult result = reader.next(piece, message);
    fuzz::expect(budget.used() <= budget.limit(), "the budget");
    fuzz::expect(reader.charged_bytes() == budget.used(), "what is charged is used");
    if (result == grpc::ReadResult::kMessage) {
      fuzz::expect(message.size <= reader.max_bytes(), "max_bytes");
      append(message, outcome.messages);
      continue;
    }
    if (result == grpc::ReadResult::kBadFlag) outcome.end = "bad";
    if (result == grpc::ReadResult::kTooLarge) outcome.end = "large";
    outcome.is_poor = outcome.is_poor || reader.budget_refused();
    return;
  }
}

Outcome read(Bytes bytes, Bytes cuts, uint32_t max_bytes, size_t budget_bytes = kBudgetBytes) {
  ChunkPool pool;
  MemoryBudget budget(budget_bytes);
  const grpc::MessageContext context{&pool, &budget, max_bytes};
  Outcome outcome;
  {
    grpc::MessageReader reader(context);
    fuzz::feed_in_pieces(bytes, cuts,
                         [&](Bytes piece) { read_piece(reader, budget, piece, outcome); });
    if (!reader.at_boundary()) outcome.end += " incomplete";
  }
  fuzz::expect(budget.used() == 0 && pool.outstanding() == 0, "all is given back");
  return outcome;
}

}  // namespace
}  // namespace saker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace saker;
  FuzzedDataProvider input(data, size);
  auto cuts = input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, 40));
  const auto max_bytes = input.ConsumeIntegralInRange<uint32_t>(0, kMostFiller);
  const auto little = input.ConsumeIntegral<uint16_t>();
  const bool has_filler = input.ConsumeIntegralInRange(0, 7) == 0;
  auto bytes = input.ConsumeRemainingBytes<uint8_t>();
  if (has_filler) {
    cuts.resize(cuts.size() + kMostFiller / kFillerPiece, kFillerPiece);
    bytes.resize(bytes.size() + kMostFiller, kBadFlag);
  }
  const Outcome whole = read(bytes, {}, max_bytes);
  const Outcome cut = read(bytes, cuts, max_bytes);
  fuzz::expect(cut.messages == whole.messages && cut.end == whole.end, "cutting changes nothing");
  fuzz::expect(!whole.is_poor && !cut.is_poor, "there is enough for all");
  const Outcome poor = read(bytes, cuts, max_bytes, little);
  fuzz::expect(poor.is_poor ? whole.messages.starts_with(poor.messages)
                            : poor.messages == whole.messages && poor.end == whole.end,
               "a small budget changes nothing before it is spent");
  return 0;
}
