// Interoperability cases of many large calls: one after the other on one channel or each on its own,
// and all at once.
#include <iostream>
#include <memory>
#include <vector>

#include "grpc/testing/test.saker.h"
#include "interop_call.h"
#include "interop_cases.h"
#include "printable.h"
#include "saker/base/quantity.h"

namespace saker::app {

using grpc::StatusCode;
using ::grpc::testing::TestServiceStub;

namespace {

constexpr size_t kConcurrentCalls = 1000;

void ask(UnaryCall& call) {
  call.request().set_response_size(314159);
  fill(*call.request().mutable_payload(), 271828);
}

void check_reply(InteropCheck& check, UnaryCall& call) {
  check.status(call.status(), StatusCode::kOk);
  if (!check.holds()) return;
  check.equal("the size of the reply", static_cast<int64_t>(call.reply().payload().body().size()),
              314159);
}

// One iteration; a failed one is said to be so at once, as operators of long soaks want to know.
bool soak_once(InteropSession& session, uint64_t iteration, InteropCheck& first) {
  UnaryCall call;
  ask(call);
  const Time start = session.loop().read_clock();
  session.run(call, TestServiceStub::unary_call_method());
  const Duration took = session.loop().read_clock() - start;
  InteropCheck check;
  check_reply(check, call);
  const Duration limit = session.options().soak.max_latency;
  check.that(took <= limit, "took " + format_duration(took) + ", over " + format_duration(limit));
  if (const auto result = check.result(); !result) {
    std::cerr << "soak iteration " << iteration << ": " << printable(result.error().message)
              << '\n';
    first.that(false, "iteration " + std::to_string(iteration) + ": " + result.error().message);
  }
  return check.holds();
}

Result<void> soak(InteropSession& session, bool new_channels) {
  const SoakOptions& options = session.options().soak;
  const Duration timeout = options.timeout != Duration::zero()
                               ? options.timeout
                               : options.max_latency * static_cast<int64_t>(options.iterations);
  const Time end = time_after(session.loop().read_clock(), timeout);
  InteropCheck first;  // failure
  uint64_t failures = 0;
  for (uint64_t iteration = 0; iteration < options.iterations; ++iteration) {
    if (session.loop().read_clock() >= end) {
      return fail(std::to_string(iteration) + " iterations in " + format_duration(timeout) +
                  ", not " + std::to_string(options.iterations));
    }
    if (new_channels) session.replace_channel();
    if (!soak_once(session, iteration, first)) ++failures;
  }
  if (failures <= options.max_failures) return {};
  return fail(std::to_string(failures) + " failures; " + first.result().error().message);
}

}  // namespace

Result<void> run_rpc_soak(InteropSession& session) {
  return soak(session, false);
}

Result<void> run_channel_soak(InteropSession& session) {
  return soak(session, true);
}

Result<void> run_concurrent_large_unary(InteropSession& session) {
  std::vector<std::unique_ptr<UnaryCall>> calls;
  for (size_t at = 0; at < kConcurrentCalls; ++at) {
    calls.push_back(std::make_unique<UnaryCall>());
    ask(*calls.back());
    calls.back()->start(session.channel(), TestServiceStub::unary_call_method(),
                        session.call_options());
  }
  InteropCheck check;
  for (auto& call : calls) {
    session.run_until([&] { return call->done; });
    check_reply(check, *call);
    call.reset();
  }
  return check.result();
}

}  // namespace saker::app
