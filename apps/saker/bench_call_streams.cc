#include "bench_call_streams.h"

#include "bench_command.h"

namespace saker::app {

using rpc::MethodKind;

int run_call_load(const BenchOptions& options, CallLoad load) {
  const uint64_t messages = options.messages;
  switch (options.kind) {
    case MethodKind::kUnary:
      break;
    case MethodKind::kClientStreaming:
      return run_bench(options,
                       CallStreamWorkload<MethodKind::kClientStreaming>(std::move(load), messages));
    case MethodKind::kServerStreaming:
      return run_bench(options,
                       CallStreamWorkload<MethodKind::kServerStreaming>(std::move(load), messages));
    case MethodKind::kBidiStreaming:
      return run_bench(options,
                       CallStreamWorkload<MethodKind::kBidiStreaming>(std::move(load), messages));
  }
  return run_bench(options, CallWorkload(std::move(load)));
}

}  // namespace saker::app
