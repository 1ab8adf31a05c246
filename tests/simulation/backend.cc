#include "backend.h"

#include <charconv>

#include "saker/rpc/rpc_testing.h"
#include "saker/rpc/sleep.h"

namespace saker::simulation {

using grpc::Status;
using grpc::StatusCode;
using rpc::RawMessage;
using rpc::ServerContext;
using rpc::Task;

namespace {

constexpr uint64_t kMemoryBytes = 256 << 20;  // of a process; only its sixteenths matter

template <typename Number>
Number number_in(const grpc::Metadata& metadata, std::string_view name, Number otherwise) {
  const std::string_view text = metadata.find(name).value_or("");
  Number number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

// One run of a handler, from its start to its end, however it ends.
class Backend::Run {
 public:
  Run(Ledger& ledger, const ServerContext& context, const RawMessage* request) : ledger_(ledger) {
    const grpc::Metadata& metadata = context.metadata();
    const uint64_t otherwise = request == nullptr ? UINT64_MAX : id_of(request->bytes);
    attempt_ = number_in<uint32_t>(metadata, "grpc-previous-rpc-attempts", 0);
    call_ = ledger.begin(number_in(metadata, "x-call", otherwise), attempt_);
    if (call_ == nullptr || !spec().has_metadata) return;
    if (metadata.find("x-note").value_or("") != note(spec().id, spec().note_bytes)) {
      ledger.violate("call " + std::to_string(spec().id) + " arrives with other metadata");
    }
  }
  ~Run() { ledger_.finish(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  bool is_known() const { return call_ != nullptr; }
  const CallSpec& spec() const { return call_->spec; }
  bool fails() const { return attempt_ < spec().failures; }
  void check(const RawMessage& request) { ledger_.note_request(spec(), request.bytes, index_++); }

 private:
  Ledger& ledger_;
  CallRecord* call_ = nullptr;
  uint32_t attempt_ = 0;
  uint32_t index_ = 0;
};

Backend::Backend(const Plan& plan, net::SimNetwork& network, Ledger& ledger, size_t number)
    : plan_(plan),
      network_(network),
      ledger_(ledger),
      name_("s" + std::to_string(number)),
      loop_(network),
      options_(plan.server),
      memory_(kMemoryBytes) {
  add_methods();
}

Backend::~Backend() = default;

net::Address Backend::address() const {
  return net::Address{.transport = net::Transport::kMemory, .path = name_};
}

// ---- life

void Backend::start() {
  server_ = std::make_unique<rpc::ServerLoop>(0, loop_, dispatcher_, options_, memory_);
  auto listener = loop_.listen(address(), {}, *this);
  if (!listener) return ledger_.violate("listen: " + listener.error().message);
  listener_ = *std::move(listener);
}

void Backend::on_accept(net::Accepted accepted) {
  if (memory_.refuses_connections()) return loop_.discard(std::move(accepted));  // as Server does
  server_->expect_connection();
  server_->adopt(std::move(accepted));
}

void Backend::drain() {
  if (server_ != nullptr) server_->drain();
}

void Backend::roll() {
  if (server_ == nullptr) return;
  retire(std::move(server_));
  server_ = std::make_unique<rpc::ServerLoop>(0, loop_, dispatcher_, options_, memory_);
}

void Backend::shut_down(Time end) {
  if (server_ == nullptr) return;
  listener_.reset();
  retire(std::move(server_));
  close_at_ = std::min(close_at_, end);
}

void Backend::run_short(rpc::MemoryState state, Time end) {
  constexpr uint64_t kFirst = 13;  // sixteenths: at the next one it is kNoConnections
  memory_.update(kMemoryBytes / 16 * (kFirst + static_cast<uint64_t>(state)));
  const bool sheds = state == rpc::MemoryState::kShedding;
  if (server_ != nullptr) server_->make_room(sheds ? memory_.excess_bytes() : 0);
  relax_at_ = end;
}

void Backend::squeeze(size_t connection_memory_bytes, Time end) {
  options_.max_connection_memory_bytes = connection_memory_bytes;
  relax_at_ = end;
  drain();
}

void Backend::relax() {
  relax_at_ = kNever;
  memory_.update(0);
  options_.max_connection_memory_bytes = plan_.server.max_connection_memory_bytes;
}

void Backend::retire(Server server) {
  server->drain();
  draining_.push_back(std::move(server));
}

void Backend::crash(net::SimKill how) {
  network_.kill(loop_, how);
  listener_.reset();
  server_.reset();
  draining_.clear();
  close_at_ = kNever;
  relax();
}

void Backend::clean_up() {
  if (relax_at_ <= network_.now()) relax();
  if (close_at_ <= network_.now()) {
    close_at_ = kNever;
    for (const Server& server : draining_) server->abort_all();
  }
  std::erase_if(draining_, [this](const Server& server) {
    const rpc::LoopCounters& counters = server->counters();
    if (server->connection_count() != 0) return false;
    if (counters.invariants_broken != 0)
      ledger_.violate("a server's connection broke an invariant");
    if (counters.calls_open != 0) ledger_.violate("a server without connections has calls");
    return true;
  });
}

void Backend::each_connection(const VisitServer& visit) {
  if (server_ != nullptr) simulation::each_connection(*server_, visit);
  for (const Server& server : draining_) simulation::each_connection(*server, visit);
}

void Backend::check_memory(ConnectionCounts& counts) {
  const size_t limit = memory_limit(plan_.server, open_calls());
  each_connection([&](uint64_t id, const rpc::ServerConnection& connection) {
    const size_t bytes = connection.memory_bytes();
    ConnectionCounts look{.weighed = 1, .most_bytes = bytes};
    look.fullest = static_cast<double>(bytes) / static_cast<double>(limit);
    counts.add(look);
    if (bytes <= limit) return;
    ledger_.violate("connection " + std::to_string(id) + " holds " + std::to_string(bytes) +
                    " bytes at its server, with " + std::to_string(open_calls()) +
                    " calls, and may hold " + std::to_string(limit));
  });
}

uint64_t Backend::open_calls() const {
  uint64_t calls = server_ == nullptr ? 0 : uint64_t{server_->counters().calls_open};
  for (const Server& server : draining_) calls += server->counters().calls_open;
  return calls;
}

uint64_t Backend::open_connections() const {
  uint64_t connections = server_ == nullptr ? 0 : server_->connection_count();
  for (const Server& server : draining_) connections += server->connection_count();
  return connections;
}

// ---- handlers

void Backend::add_methods() {
  dispatcher_.add_unary<RawMessage, RawMessage>(
      "/sim.S/Unary", [this](ServerContext& context, RawMessage& request, RawMessage& reply) {
        return handle_unary(context, request, reply);
      });
  dispatcher_.add_unary<RawMessage, RawMessage>(
      "/sim.S/Later", [this](ServerContext& context, RawMessage& request, RawMessage& reply) {
        return handle_later(context, request, reply);
      });
  dispatcher_.add_client_streaming<RawMessage, RawMessage>(
      "/sim.S/Collect",
      [this](ServerContext& context, rpc::Reader<RawMessage>& requests, RawMessage& reply) {
        return handle_collect(context, requests, reply);
      });
  dispatcher_.add_server_streaming<RawMessage, RawMessage>(
      "/sim.S/Expand",
      [this](ServerContext& context, RawMessage& request, rpc::Writer<RawMessage>& replies) {
        return handle_expand(context, request, replies);
      });
  dispatcher_.add_bidi_streaming<RawMessage, RawMessage>(
      "/sim.S/Bidi",
      [this](ServerContext& context, rpc::Reader<RawMessage>& requests,
             rpc::Writer<RawMessage>& replies) { return handle_bidi(context, requests, replies); });
  dispatcher_.prepare(1);
}

// The status that the call's plan asks for, and its metadata sent back.
Status Backend::answer(Run& run, ServerContext& context) const {
  const CallSpec& spec = run.spec();
  if (spec.has_metadata && context.trailing_metadata().add(
                               "x-note", note(spec.id, spec.note_bytes)) != grpc::AddResult::kOk) {
    ledger_.violate("trailing metadata was refused");
  }
  if (run.fails()) return {StatusCode::kUnavailable, "not yet", {}};
  if (spec.code != StatusCode::kOk) return {spec.code, "as meant", {}};
  return {};
}

Status Backend::handle_unary(ServerContext& context, RawMessage& request, RawMessage& reply) {
  Run run(ledger_, context, &request);
  if (!run.is_known()) return {};
  run.check(request);
  fill(reply.bytes, run.spec().id, Side::kReply, 0, run.spec().reply_bytes);
  return answer(run, context);
}

// Sleeps as the plan says; false: nobody waits for the reply any more.
Task<bool> pause_handler(ServerContext& context, const CallSpec& spec) {
  if (spec.handler_time == Duration{}) co_return !context.cancelled();
  if (spec.naps) {
    co_await rpc::Nap(context.loop(), spec.handler_time);
    co_return !context.cancelled();
  }
  const bool slept = co_await rpc::sleep_for(context, spec.handler_time);
  co_return slept;
}

Task<Status> Backend::handle_later(ServerContext& context, RawMessage& request, RawMessage& reply) {
  Run run(ledger_, context, &request);
  if (!run.is_known()) co_return Status{};
  run.check(request);
  const auto slept = co_await pause_handler(context, run.spec());
  if (!slept.value_or(false)) co_return Status{StatusCode::kCancelled, "nobody waits", {}};
  fill(reply.bytes, run.spec().id, Side::kReply, 0, run.spec().reply_bytes);
  co_return answer(run, context);
}

Task<Status> Backend::handle_collect(ServerContext& context, rpc::Reader<RawMessage>& requests,
                                     RawMessage& reply) {
  Run run(ledger_, context, nullptr);
  if (!run.is_known()) co_return Status{};
  const CallSpec& spec = run.spec();
  RawMessage request;
  uint32_t read = 0;
  while (read < spec.stop_after && co_await requests.read(request)) {
    run.check(request);
    if (++read == 2) co_await pause_handler(context, spec);
  }
  if (read != spec.requests_read()) {
    if (!context.cancelled() && !ledger_.may_lack_memory()) {
      ledger_.violate("call " + std::to_string(spec.id) + ": requests are missing");
    }
    co_return Status{StatusCode::kCancelled, "nobody waits", {}};
  }
  fill(reply.bytes, spec.id, Side::kReply, 0, spec.reply_bytes);
  co_return answer(run, context);
}

Task<Status> Backend::handle_expand(ServerContext& context, RawMessage& request,
                                    rpc::Writer<RawMessage>& replies) {
  Run run(ledger_, context, &request);
  if (!run.is_known()) co_return Status{};
  const CallSpec& spec = run.spec();
  run.check(request);
  if (run.fails()) co_return answer(run, context);
  RawMessage reply;
  for (uint32_t index = 0; index < spec.replies; ++index) {
    if (index == 1) co_await pause_handler(context, spec);
    fill(reply.bytes, spec.id, Side::kReply, index, spec.reply_bytes);
    if (!co_await replies.write(reply)) break;
  }
  co_return answer(run, context);
}

Task<Status> Backend::handle_bidi(ServerContext& context, rpc::Reader<RawMessage>& requests,
                                  rpc::Writer<RawMessage>& replies) {
  Run run(ledger_, context, nullptr);
  if (!run.is_known()) co_return Status{};
  const CallSpec& spec = run.spec();
  if (run.fails()) co_return answer(run, context);
  RawMessage message;
  uint32_t read = 0;
  while (read < spec.stop_after && co_await requests.read(message)) {
    run.check(message);
    if (++read == 2) co_await pause_handler(context, spec);
    if (!co_await replies.write(message)) break;
  }
  const bool is_short = read != spec.requests_read();
  if (is_short && !context.cancelled() && !ledger_.may_lack_memory()) {
    ledger_.violate("call " + std::to_string(spec.id) + ": requests are missing");
  }
  co_return answer(run, context);
}

}  // namespace saker::simulation
