// The calls of the Crypto service that sign and verify: planned and paid for on the loop, done on a
// worker, recorded, answered.
#include <algorithm>

#include "saker/base/crc32c.h"
#include "saker/services/crypto/crypto_service.h"

namespace saker::crypto {

using grpc::Status;
using grpc::StatusCode;
using rpc::ServerContext;
using rpc::Task;

namespace {

// Up to so many bytes are hashed where they arrive; more would hold the loop up.
constexpr size_t kInlineHashBytes = 4096;

Status no_audit() {
  return {StatusCode::kUnavailable, "the audit log cannot be written", {}};
}

AuditRecord make_record(const ServerContext& context, const Plan& plan) {
  AuditRecord record;
  record.identity = identity_of(context.peer());
  record.key = plan.key->name;
  record.version = plan.version->number;
  record.algorithm = plan.algorithm;
  return record;
}

void finish_record(ServerContext& context, const Status& status, AuditRecord& record) {
  record.result = grpc::status_code_name(status.code);
  record.time_ns = context.wall_ns(context.read_clock());
}

// What is checked of a message that comes in pieces: its size and its checksum.
class StreamedMessage {
 public:
  explicit StreamedMessage(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  std::expected<void, Status> take(const v1::SignStreamRequest& part) {
    const Bytes piece = as_bytes(part.data());
    if (part.has_start())
      return std::unexpected(invalid_argument("a request other than the first has a start"));
    if (piece.size() > kMaxPieceBytes)
      return std::unexpected(invalid_argument("data of " + std::to_string(piece.size()) +
                                              " bytes is over " + std::to_string(kMaxPieceBytes)));
    bytes_ += piece.size();
    if (bytes_ > max_bytes_)
      return std::unexpected(
          invalid_argument("a message of more than " + std::to_string(max_bytes_) + " bytes"));
    if (part.has_input_crc32c()) wanted_crc_ = part.input_crc32c();
    crc_ = crc32c(piece, crc_);
    return {};
  }

  // Makes the whole message's digest the plan's input.
  std::expected<void, Status> end(PieceDigester& digester, MessageDigest& digest, Plan& plan) {
    if (wanted_crc_ && *wanted_crc_ != crc_)
      return std::unexpected(invalid_argument("input_crc32c does not match the input"));
    digest.size = digester.finish(digest.bytes);
    if (digest.size == 0)
      return std::unexpected(Status{StatusCode::kInternal, "hashing failed", {}});
    plan.input = digest.span();
    plan.is_digest = true;
    plan.input_verified = wanted_crc_.has_value();
    return {};
  }

 private:
  const uint64_t max_bytes_;
  uint64_t bytes_ = 0;
  uint32_t crc_ = 0;
  std::optional<uint32_t> wanted_crc_;
};

}  // namespace

Status CryptoService::offload_status(OffloadResult result, Algorithm algorithm) {
  if (result == OffloadResult::kRefused) {
    refused_[static_cast<size_t>(algorithm)].fetch_add(1, std::memory_order_relaxed);
    return {StatusCode::kResourceExhausted, "the signers' queue is full: try again later", {}};
  }
  dropped_.fetch_add(1, std::memory_order_relaxed);
  return {StatusCode::kCancelled, "nobody waits for this signature any more", {}};
}

// `push_back`: the whole call is over its rate, and the client is told when to come again
// (gRFC A6).
std::expected<void, Status> CryptoService::pay(ServerContext& context, const Plan& plan,
                                               bool push_back) {
  if (plan.rate == nullptr) return {};
  const Duration wait = limiter_.take(identity_of(context.peer()), plan.key->name, *plan.rate, 1,
                                      context.loop().now());
  if (wait == Duration::zero()) return {};
  over_rate_.fetch_add(1, std::memory_order_relaxed);
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  if (push_back) {
    (void)context.trailing_metadata().add("grpc-retry-pushback-ms", std::to_string(wait_ms));
  }
  return std::unexpected(Status{
      StatusCode::kResourceExhausted, "over the rate for key \"" + plan.key->name + "\"", {}});
}

std::expected<void, Status> CryptoService::check_audit() const {
  if (audit_ != nullptr && audit_->required() && !audit_->works())
    return std::unexpected(no_audit());
  return {};
}

// ---- one signature

Task<Status> CryptoService::sign_planned(ServerContext& context, const Plan& plan,
                                         v1::SignReply& reply) {
  if (auto works = check_audit(); !works) co_return works.error();
  if (auto paid = pay(context, plan, true); !paid) co_return paid.error();
  AuditRecord record;
  if (audit_ != nullptr) record = make_record(context, plan);
  Status status;
  Offload offload(*pool_, signing_lane(plan), context, [&](size_t index) {
    status = worker(index).sign(plan, reply, audit_ != nullptr ? &record.digest : nullptr);
  });
  const OffloadResult result = co_await offload;
  if (result != OffloadResult::kDone) co_return offload_status(result, plan.algorithm);
  if (audit_ != nullptr) {
    finish_record(context, status, record);
    AuditLog::Append append(*audit_, context.loop(), {&record, 1});
    const bool recorded = co_await append;
    if (!recorded && audit_->required()) {
      reply.Clear();
      co_return no_audit();
    }
  }
  if (status.ok()) count_signature(plan.algorithm);
  co_return status;
}

Task<Status> CryptoService::sign(ServerContext& context, v1::SignRequest& request,
                                 v1::SignReply& reply) {
  const auto now = state();
  const auto plan = plan_signature({*now, context.peer()}, request);
  if (!plan) co_return plan.error();
  auto status = co_await sign_planned(context, *plan, reply);
  if (!status) co_return Status{StatusCode::kInternal, "the handler failed", {}};
  co_return *std::move(status);
}

// Pieces are hashed as they come: the large ones on a worker, one at a time, so that a client that
// sends faster waits for its flow-control window.
Task<Status> CryptoService::sign_stream(ServerContext& context,
                                        rpc::Reader<v1::SignStreamRequest>& requests,
                                        v1::SignReply& reply) {
  v1::SignStreamRequest part;
  bool more = co_await requests.read(part);
  if (!more || !part.has_start()) co_return invalid_argument("the first request has no start");
  const auto now = state();
  auto plan = plan_stream({*now, context.peer()}, part.start());
  if (!plan) co_return plan.error();
  part.clear_start();
  auto digester = PieceDigester::make(hash_of(plan->algorithm));
  if (!digester) co_return Status{StatusCode::kInternal, digester.error().message, {}};
  StreamedMessage message(options_.max_stream_bytes);
  while (more) {
    if (auto taken = message.take(part); !taken) co_return taken.error();
    const Bytes piece = as_bytes(part.data());
    if (piece.size() <= kInlineHashBytes) {
      digester->update(piece);
    } else {
      Offload hash(*pool_, Lane::kCheap, context, [&](size_t) { digester->update(piece); });
      const OffloadResult result = co_await hash;
      if (result != OffloadResult::kDone) co_return offload_status(result, plan->algorithm);
    }
    more = co_await requests.read(part);
  }
  if (context.cancelled()) co_return offload_status(OffloadResult::kDropped, plan->algorithm);
  MessageDigest digest;
  if (auto ended = message.end(*digester, digest, *plan); !ended) co_return ended.error();
  auto status = co_await sign_planned(context, *plan, reply);
  if (!status) co_return Status{StatusCode::kInternal, "the handler failed", {}};
  co_return *std::move(status);
}

// ---- many

// What SignBatch has of its requests: a plan or what is wrong, and a record for each plan.
struct CryptoService::Batch {
  std::vector<std::expected<Plan, Status>> plans;
  std::vector<AuditRecord> records;  // of the plans that are there, in their order; none: no log
  Lane lane = Lane::kCheap;
  Algorithm algorithm = kAlgorithms[0];
  size_t next = 0;  // of the plans; those before have their results
  size_t made = 0;  // signatures, or failures to make one
  size_t left = 0;  // plans that are there, from `next` on
};

void CryptoService::add_to_batch(ServerContext& context, const Caller& caller,
                                 const v1::SignRequest& request, Batch& batch) {
  auto plan = plan_signature(caller, request);
  if (plan) {
    if (auto paid = pay(context, *plan, false); !paid) plan = std::unexpected(paid.error());
  }
  if (plan) {
    if (signing_lane(*plan) == Lane::kExpensive) batch.lane = Lane::kExpensive;
    batch.algorithm = plan->algorithm;
    ++batch.left;
    if (audit_ != nullptr) batch.records.push_back(make_record(context, *plan));
  }
  batch.plans.push_back(std::move(plan));
}

// Some signatures, or fewer where nobody waits for them any more; returns how many are left.
size_t CryptoService::sign_piece(SigningWorker& worker, const StillWanted& wanted, Batch& batch,
                                 v1::SignBatchReply& reply) {
  const size_t most = batch.made + kBatchPiece;
  for (; batch.next < batch.plans.size(); ++batch.next) {
    const auto& plan = batch.plans[batch.next];
    if (plan && (batch.made == most || !wanted.check())) break;
    v1::SignResult& result = *reply.mutable_results(static_cast<int>(batch.next));
    AuditRecord* const record =
        plan && !batch.records.empty() ? &batch.records[batch.made] : nullptr;
    const Status status = plan ? worker.sign(*plan, *result.mutable_reply(),
                                             record != nullptr ? &record->digest : nullptr)
                               : plan.error();
    if (record != nullptr) record->result = grpc::status_code_name(status.code);
    if (!status.ok()) result.clear_reply();
    result.set_code(static_cast<int>(status.code));
    result.set_message(status.message);
    batch.made += plan ? 1 : 0;
    batch.left -= plan ? 1 : 0;
  }
  return batch.left;
}

void CryptoService::count_signatures(const Batch& batch, const v1::SignBatchReply& reply) {
  for (size_t at = 0; at < batch.next; ++at) {
    if (reply.results(static_cast<int>(at)).code() == 0)
      count_signature(batch.plans[at]->algorithm);
  }
}

// As many trips to a worker as there are pieces, and one to the audit log, also with what was made
// of a batch that nobody waits for any more.
Task<Status> CryptoService::sign_batch(ServerContext& context, v1::SignBatchRequest& request,
                                       v1::SignBatchReply& reply) {
  if (request.requests_size() > kMaxBatchRequests) {
    co_return invalid_argument("a batch of " + std::to_string(request.requests_size()) +
                               " is over " + std::to_string(kMaxBatchRequests));
  }
  if (auto works = check_audit(); !works) co_return works.error();
  const auto now = state();
  Batch batch;
  for (const v1::SignRequest& single : request.requests()) {
    add_to_batch(context, {*now, context.peer()}, single, batch);
    reply.add_results();
  }
  const auto work = [&](size_t index, const StillWanted& wanted) {
    return sign_piece(worker(index), wanted, batch, reply);
  };
  Offload offload(*pool_, batch.lane, context, work, std::max<size_t>(1, batch.left));
  const OffloadResult result = co_await offload;
  if (!batch.records.empty()) {
    batch.records.resize(batch.made);
    const int64_t time_ns = context.wall_ns(context.read_clock());
    for (AuditRecord& record : batch.records) record.time_ns = time_ns;
    AuditLog::Append append(*audit_, context.loop(), batch.records);
    const bool recorded = co_await append;
    if (!recorded && audit_->required()) {
      reply.Clear();
      co_return no_audit();
    }
  }
  count_signatures(batch, reply);
  if (result != OffloadResult::kDone) co_return offload_status(result, batch.algorithm);
  co_return Status{};
}

// ---- verification

Task<Status> CryptoService::verify(ServerContext& context, v1::VerifyRequest& request,
                                   v1::VerifyReply& reply) {
  const auto now = state();
  const auto plan = plan_verification({*now, context.peer()}, request);
  if (!plan) co_return plan.error();
  if (auto paid = pay(context, *plan, true); !paid) co_return paid.error();
  Status status;
  Offload offload(*pool_, verification_lane(*plan), context, [&](size_t index) {
    status = worker(index).verify(*plan, request.signature(), reply);
  });
  const OffloadResult result = co_await offload;
  if (result != OffloadResult::kDone) co_return offload_status(result, plan->algorithm);
  if (status.ok()) reply.set_signature_crc32c_verified(request.has_signature_crc32c());
  co_return status;
}

}  // namespace saker::crypto
