// gRPC C++ as a client: unary echo, closed loop, every reply checked as `saker bench` checks it.
//   grpc_echo_client TARGET CONNECTIONS STREAMS COUNT [PAYLOAD_BYTES]
// Prints one line of JSON. One completion queue, one thread, gRPC's asynchronous API.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "grpc_vsock.h"
#include "saker/echo/v1/echo.grpc.pb.h"

namespace {

using saker::echo::v1::Echo;
using saker::echo::v1::EchoReply;
using saker::echo::v1::EchoRequest;

struct Call {
  Echo::Stub* stub = nullptr;
  EchoRequest request;
  EchoReply reply;
  grpc::Status status;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<EchoReply>> reader;
  int64_t sent_at = 0;
};

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void start(Call& call, uint64_t sequence, grpc::CompletionQueue& queue) {
  call.request.set_sequence(sequence);
  call.sent_at = clock_ns(CLOCK_MONOTONIC);
  call.request.set_client_send_time_ns(static_cast<uint64_t>(clock_ns(CLOCK_REALTIME)));
  call.context = std::make_unique<grpc::ClientContext>();
  call.reader = call.stub->AsyncEcho(call.context.get(), call.request, &queue);
  call.reader->Finish(&call.reply, &call.status, &call);
}

// A channel of its own for each connection, not a shared one.
std::shared_ptr<grpc::Channel> make_channel(const std::string& target, size_t index) {
  if (interop::is_vsock(target)) return interop::connect_vsock(target);
  grpc::ChannelArguments arguments;
  arguments.SetInt("saker.channel", static_cast<int>(index));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

bool is_right(const Call& call) {
  return call.status.ok() && call.reply.payload() == call.request.payload() &&
         call.reply.sequence() == call.request.sequence() &&
         call.reply.client_send_time_ns() == call.request.client_send_time_ns() &&
         call.reply.server_send_time_ns() >= call.reply.server_receive_time_ns();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: grpc_echo_client TARGET CONNECTIONS STREAMS COUNT [PAYLOAD]\n");
    return 2;
  }
  const size_t connections = std::strtoul(argv[2], nullptr, 10);
  const size_t streams = std::strtoul(argv[3], nullptr, 10);
  const size_t count = std::strtoul(argv[4], nullptr, 10);
  const size_t payload = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 16;
  std::vector<std::unique_ptr<Echo::Stub>> stubs;
  for (size_t index = 0; index < connections; ++index) {
    const auto channel = make_channel(argv[1], index);
    if (channel == nullptr) return 2;
    stubs.push_back(Echo::NewStub(channel));
  }
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<int64_t> latencies;
  latencies.reserve(count);
  size_t started = 0;
  size_t errors = 0;
  const int64_t wall_start = clock_ns(CLOCK_MONOTONIC);
  const int64_t cpu_start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  for (size_t index = 0; index < connections * streams && started < count; ++index) {
    calls.push_back(std::make_unique<Call>());
    calls.back()->stub = stubs[index % connections].get();
    calls.back()->request.set_payload(std::string(payload, 'x'));
    start(*calls.back(), started++, queue);
  }
  void* tag = nullptr;
  bool ok = false;
  while (latencies.size() < count && queue.Next(&tag, &ok)) {
    auto& call = *static_cast<Call*>(tag);
    latencies.push_back(clock_ns(CLOCK_MONOTONIC) - call.sent_at);
    if (!is_right(call)) ++errors;
    if (started < count) start(call, started++, queue);
  }
  const auto total = static_cast<double>(latencies.size());
  const double wall = static_cast<double>(clock_ns(CLOCK_MONOTONIC) - wall_start);
  const double cpu = static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "{\"calls\": %zu, \"errors\": %zu, \"calls_per_second\": %.0f, \"client_cpu_ns_per_call\": "
      "%.1f, \"p50_ns\": %ld, \"p99_ns\": %ld}\n",
      latencies.size(), errors, total / wall * 1e9, cpu / total,
      static_cast<long>(latencies[static_cast<size_t>(0.5 * (total - 1))]),
      static_cast<long>(latencies[static_cast<size_t>(0.99 * (total - 1))]));
  return errors == 0 ? 0 : 1;
}
