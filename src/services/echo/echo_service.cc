#include "saker/services/echo/echo_service.h"

#include "google/rpc/error_details.pb.h"
#include "saker/base/crc32c.h"
#include "saker/echo/v1/echo.saker.h"
#include "saker/rpc/sleep.h"
#include "saker/rpc/status_details.h"

namespace saker::echo {
namespace {

using grpc::Status;
using rpc::ServerContext;
using rpc::Task;
using v1::EchoCollectReply;
using v1::EchoReply;
using v1::EchoRequest;

// Of a reply that was sent, while the next request is waited for.
constexpr size_t kKeptBytes = 2048;

// Receipt is the turn's time; the reply's times are read now: one cached clock for both would show
// no processing at all.
void fill_times(ServerContext& context, EchoReply& reply) {
  const Time sent = context.read_clock();
  const int64_t received_ns = context.wall_ns(context.received_at());
  const int64_t processing_ns = (sent - context.received_at()).count();
  reply.set_server_receive_time_ns(static_cast<uint64_t>(received_ns));
  reply.set_server_send_time_ns(static_cast<uint64_t>(received_ns + processing_ns));
  reply.set_processing_ns(static_cast<uint64_t>(processing_ns));
}

Status over_the_limit() {
  google::rpc::BadRequest bad;
  auto& violation = *bad.add_field_violations();
  violation.set_field("expand_count");
  violation.set_description("at most " + std::to_string(kMaxExpandCount));
  return rpc::make_status(grpc::StatusCode::kInvalidArgument,
                          "expand_count is over " + std::to_string(kMaxExpandCount), {&bad});
}

// Has no state, hence one for all servers.
class EchoService {
 public:
  Status echo(ServerContext& context, EchoRequest& request, EchoReply& reply) const {
    answer(context, request, reply);
    return {};
  }

  Task<Status> echo_stream(ServerContext& context, rpc::Reader<EchoRequest>& requests,
                           rpc::Writer<EchoReply>& replies) const {
    EchoRequest request;
    EchoReply reply;
    while (co_await requests.read(request)) {
      answer(context, request, reply);
      if (!co_await replies.write(reply)) break;
      if (reply.payload().size() > kKeptBytes) reply = EchoReply();
    }
    co_return Status{};
  }

  Task<Status> echo_collect(ServerContext& context, rpc::Reader<EchoRequest>& requests,
                            EchoCollectReply& reply) const {
    EchoRequest request;
    uint32_t crc = 0;
    Time first{};
    Time last{};
    while (co_await requests.read(request)) {
      last = context.received_at();
      if (reply.messages() == 0) first = last;
      crc = crc32c(as_bytes(request.payload()), crc);
      reply.set_messages(reply.messages() + 1);
      reply.set_payload_bytes(reply.payload_bytes() + request.payload().size());
      reply.set_client_send_time_ns(request.client_send_time_ns());
      reply.set_sequence(request.sequence());
    }
    finish_collect(context, reply, crc, first, last);
    co_return Status{};
  }

  Task<Status> echo_expand(ServerContext& context, EchoRequest& request,
                           rpc::Writer<EchoReply>& replies) const {
    if (request.expand_count() > kMaxExpandCount) {
      co_return over_the_limit();
    }
    EchoReply reply;
    reply.set_payload(request.payload());
    reply.set_client_send_time_ns(request.client_send_time_ns());
    reply.set_sequence(request.sequence());
    const Duration interval(static_cast<int64_t>(
        std::min<uint64_t>(request.expand_interval_ns(), Duration::max().count())));
    Time next = context.read_clock();
    for (uint32_t index = 0; index < request.expand_count(); ++index) {
      reply.set_expand_index(index);
      fill_times(context, reply);
      if (!co_await replies.write(reply)) break;
      if (interval == Duration{0} || index + 1 == request.expand_count()) continue;
      next = time_after(next, interval);
      if (!co_await rpc::sleep_for(context, next - context.read_clock())) break;
    }
    co_return Status{};
  }

 private:
  static void finish_collect(ServerContext& context, EchoCollectReply& reply, uint32_t crc,
                             Time first, Time last) {
    const Time now = context.read_clock();
    reply.set_payload_crc32c(crc);
    reply.set_server_send_time_ns(static_cast<uint64_t>(context.wall_ns(now)));
    if (reply.messages() == 0) return;
    reply.set_first_receive_time_ns(static_cast<uint64_t>(context.wall_ns(first)));
    reply.set_last_receive_time_ns(static_cast<uint64_t>(context.wall_ns(last)));
    reply.set_processing_ns(static_cast<uint64_t>((now - first).count()));
  }
};

constexpr EchoService kService;

}  // namespace

// Both strings keep their capacity.
void answer(ServerContext& context, EchoRequest& request, EchoReply& reply) {
  reply.mutable_payload()->swap(*request.mutable_payload());
  reply.set_client_send_time_ns(request.client_send_time_ns());
  reply.set_sequence(request.sequence());
  fill_times(context, reply);
}

void register_echo_service(rpc::Dispatcher& dispatcher) {
  v1::register_echo(dispatcher, kService);
}

}  // namespace saker::echo
