#include "bench_echo_streams.h"

#include "bench_command.h"
#include "saker/base/crc32c.h"

namespace saker::app {

using rpc::MethodKind;

Result<MethodKind> parse_echo_method(std::string_view name) {
  if (name == "Echo") return MethodKind::kUnary;
  if (name == "EchoStream") return MethodKind::kBidiStreaming;
  if (name == "EchoCollect") return MethodKind::kClientStreaming;
  if (name == "EchoExpand") return MethodKind::kServerStreaming;
  return fail("'" + std::string(name) + "' is none of Echo, EchoStream, EchoCollect, EchoExpand");
}

template <MethodKind kMethodKind>
EchoStreamWorkload<kMethodKind>::EchoStreamWorkload(size_t payload_bytes, uint64_t messages)
    : EchoWorkload(payload_bytes), messages_(messages) {
  if constexpr (!kCollects) return;
  Request request;
  EchoWorkload::begin(request);
  for (uint64_t i = 0; i < messages; ++i) {
    payloads_crc32c_ = crc32c(as_bytes(request.payload()), payloads_crc32c_);
  }
}

template <MethodKind kMethodKind>
const rpc::ClientMethod& EchoStreamWorkload<kMethodKind>::method() {
  static const rpc::ClientMethod echo(kCollects  ? "/saker.echo.v1.Echo/EchoCollect"
                                      : kExpands ? "/saker.echo.v1.Echo/EchoExpand"
                                                 : "/saker.echo.v1.Echo/EchoStream",
                                      kKind);
  return echo;
}

template <MethodKind kMethodKind>
const char* EchoStreamWorkload<kMethodKind>::Checker::check(const Request& request,
                                                            const Reply& reply,
                                                            uint64_t index) const {
  if constexpr (kCollects) {
    if (reply.messages() != index) return "another number of messages";
    if (reply.payload_bytes() != index * request.payload().size()) return "another number of bytes";
    // A stream that the end of the run has cut short has another sum, which nobody knows.
    const bool is_whole = index == workload_.messages_;
    if (is_whole && reply.payload_crc32c() != workload_.payloads_crc32c_) return "another checksum";
    if (index == 0) return nullptr;
    if (reply.client_send_time_ns() != request.client_send_time_ns()) return "another send time";
    return reply.sequence() == request.sequence() ? nullptr : "another sequence";
  } else {
    if (reply.expand_index() != index) return "another index";
    return EchoWorkload::Checker::check(request, reply);
  }
}

template class EchoStreamWorkload<MethodKind::kClientStreaming>;
template class EchoStreamWorkload<MethodKind::kServerStreaming>;
template class EchoStreamWorkload<MethodKind::kBidiStreaming>;

int run_echo_streams(const BenchOptions& options) {
  const uint64_t messages = options.messages;
  switch (options.kind) {
    case MethodKind::kUnary:
      break;
    case MethodKind::kClientStreaming:
      return run_bench(options, EchoStreamWorkload<MethodKind::kClientStreaming>(
                                    options.payload_bytes, messages));
    case MethodKind::kServerStreaming:
      return run_bench(options, EchoStreamWorkload<MethodKind::kServerStreaming>(
                                    options.payload_bytes, messages));
    case MethodKind::kBidiStreaming:
      return run_bench(
          options, EchoStreamWorkload<MethodKind::kBidiStreaming>(options.payload_bytes, messages));
  }
  return run_bench(options, EchoWorkload(options.payload_bytes));
}

}  // namespace saker::app
