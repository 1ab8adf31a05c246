#include "saker/rpc/health_check.h"

#include <google/protobuf/io/coded_stream.h>

#include "saker/rpc/channel.h"
#include "saker/rpc/client_connection.h"
#include "saker/rpc/codec.h"
#include "saker/rpc/over_limit.h"

namespace saker::rpc {
namespace {

using google::protobuf::io::CodedInputStream;
using grpc::ReadResult;
using grpc::StatusCode;

constexpr uint64_t kServing = 1;

const ClientMethod& watch_method() {
  static const ClientMethod method("/grpc.health.v1.Health/Watch", MethodKind::kServerStreaming);
  return method;
}

std::string serving_status_name(uint64_t status) {
  static constexpr const char* kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? kNames[status] : "status " + std::to_string(status);
}

// A field that is not ours. Groups are of no use in any version of the message.
bool skip_field(CodedInputStream& input, uint32_t wire_type) {
  uint64_t number = 0;
  switch (wire_type) {
    case 0:
      return input.ReadVarint64(&number);
    case 1:
      return input.Skip(8);
    case 2:
      return input.ReadVarint64(&number) && number <= INT32_MAX &&
             input.Skip(static_cast<int>(number));
    case 5:
      return input.Skip(4);
    default:
      return false;
  }
}

}  // namespace

std::string encode_health_request(std::string_view service) {
  constexpr char kServiceTag = 0x0A;  // field 1, length-delimited
  std::string bytes;
  if (service.empty()) return bytes;
  bytes.push_back(kServiceTag);
  size_t size = service.size();
  for (; size >= 0x80; size >>= 7) bytes.push_back(static_cast<char>((size & 0x7F) | 0x80));
  bytes.push_back(static_cast<char>(size));
  return bytes.append(service);
}

std::optional<uint64_t> parse_health_status(Bytes response) {
  constexpr uint32_t kStatusTag = 0x08;  // field 1, varint
  CodedInputStream input(response.data(), static_cast<int>(response.size()));
  uint64_t status = 0;
  while (const uint32_t tag = input.ReadTag()) {
    const bool read = tag == kStatusTag ? input.ReadVarint64(&status) : skip_field(input, tag & 7);
    if (!read) return std::nullopt;
  }
  if (!input.ConsumedEntireMessage()) return std::nullopt;
  return status;
}

HealthCheck::HealthCheck(Channel& channel, ClientConnection& connection, const std::string& service)
    : channel_(channel), connection_(connection), service_(service) {}

HealthCheck::~HealthCheck() {
  channel_.loop().cancel(*this);
}

void HealthCheck::start_if_due() {
  if (!due_ || stopped_ || !connection_.takes_watch()) return;
  due_ = has_answered_ = false;
  set(State::kAsking);
  connection_.open_watch(*this, watch_method());
}

void HealthCheck::stop() {
  stopped_ = true;
  channel_.loop().cancel(*this);
  cancel();
}

void HealthCheck::on_open() {
  const RawMessage request(encode_health_request(service_));
  const size_t size = request.bytes.size();
  if (uint8_t* out = begin_message(size, true)) return Codec<RawMessage>::write(request, out);
  ChunkQueue message(chunks());
  frame_message(request, size, message);
  send_chunks(std::move(message), true);
}

void HealthCheck::on_data(Bytes data, bool) {
  grpc::ReceivedMessage message;
  for (ReadResult result; (result = reader_.next(data, message)) != ReadResult::kNeedMore;) {
    if (result == ReadResult::kTooLarge) {
      const std::string what = over_limit_text("a health response", message.size, reader_);
      return fail(StatusCode::kResourceExhausted, what);
    }
    if (result == ReadResult::kBadFlag) {
      return fail(StatusCode::kInternal, "a health response's flag is neither 0 nor 1");
    }
    if (!take(message)) return;
  }
}

// What follows from it is for run(), outside of the event. False: the stream has failed.
bool HealthCheck::take(grpc::ReceivedMessage& message) {
  if (message.compressed && !unpack(message)) return false;
  RawMessage response;
  Codec<RawMessage>::parse(message, response);
  drop_unpacked();
  const auto status = parse_health_status(as_bytes(response.bytes));
  if (!status) {
    fail(StatusCode::kInternal, "a health response does not parse");
    return false;
  }
  said_ = *status;
  has_answered_ = true;
  make_ready();
  return true;
}

void HealthCheck::run() {
  if (!has_answered_ || stopped_) return;
  if (said_ == kServing) return set(State::kHealthy);
  set(State::kUnhealthy, "its health service says " + serving_status_name(said_));
}

void HealthCheck::on_done() {
  if (stopped_ || !connection_.usable()) return;
  if (status().code == StatusCode::kUnimplemented) {
    stopped_ = true;
    channel_.health_unimplemented(connection_);
    return set(State::kHealthy);
  }
  if (has_answered_) {
    backoff_.reset();
    due_ = true;
    return set(State::kAsking);
  }
  set(State::kUnhealthy, "its health check ended with " +
                             std::string(grpc::status_code_name(status().code)) + ", " +
                             status().message);
  net::Loop& loop = channel_.loop();
  loop.arm(*this, time_after(loop.now(), backoff_.next(channel_.options(), loop.random())));
}

void HealthCheck::on_timer(Time) {
  due_ = true;
  connection_.touch();
}

void HealthCheck::set(State state, const std::string& what) {
  state_ = state;
  if (state == State::kUnhealthy) {
    why_ = connection_.backend_name() + " is not healthy: " + what;
    if (!service_.empty()) why_ += " (service " + service_ + ")";
  }
  connection_.health_changed();
}

}  // namespace saker::rpc
