#include "grpc_service.h"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace interop {
namespace {

using saker::interop::MarkScope;
using saker::interop::v1::Answer;
using saker::interop::v1::Instruction;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

grpc::Status status_of(const Instruction& instruction) {
  return {static_cast<grpc::StatusCode>(instruction.code()), instruction.message(),
          instruction.details()};
}

void echo_metadata(grpc::ServerContext& context) {
  for (const auto& [key, text] : context.client_metadata()) {
    const std::string name(key.data(), key.size());
    const std::string value(text.data(), text.size());
    if (!name.starts_with("x-")) continue;
    context.AddInitialMetadata(name, value);
    const bool is_binary = name.ends_with("-bin");
    context.AddTrailingMetadata(
        is_binary ? name.substr(0, name.size() - 4) + "-trailer-bin" : name + "-trailer", value);
  }
}

int64_t remaining_ms(const grpc::ServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == system_clock::time_point::max()) return -1;
  return std::chrono::duration_cast<milliseconds>(deadline - system_clock::now()).count();
}

void fill(const grpc::ServerContext& context, const Instruction& instruction, Answer& answer) {
  if (instruction.reply_bytes() != 0) {
    answer.mutable_payload()->assign(instruction.reply_bytes(), 'r');
  } else {
    answer.set_payload(instruction.payload());
  }
  answer.set_remaining_ms(remaining_ms(context));
  answer.set_peer(context.peer());
}

// What all kinds do before they answer. The status says whether to answer at all.
grpc::Status obey(grpc::ServerContext& context, const Instruction& instruction, MarkScope& scope) {
  if (instruction.echo_metadata()) echo_metadata(context);
  // The enumerations have the same numbers.
  context.set_compression_algorithm(
      static_cast<grpc_compression_algorithm>(instruction.compression()));
  const auto until = steady_clock::now() + milliseconds(instruction.sleep_ms());
  while (steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(std::min(5u, instruction.sleep_ms())));
    if (!context.IsCancelled()) continue;
    scope.cancelled();
    return {grpc::StatusCode::CANCELLED, "the handler was cancelled"};
  }
  if (instruction.throw_exception()) throw std::runtime_error("as instructed");
  return status_of(instruction);
}

}  // namespace

grpc::Status InteropService::Unary(grpc::ServerContext* context, const Instruction* instruction,
                                   Answer* answer) {
  MarkScope scope(marks_, instruction->mark());
  grpc::Status status = obey(*context, *instruction, scope);
  if (status.ok()) fill(*context, *instruction, *answer);
  return status;
}

grpc::Status InteropService::Collect(grpc::ServerContext* context,
                                     grpc::ServerReader<Instruction>* reader, Answer* answer) {
  Instruction instruction;
  uint32_t count = 0;
  for (; reader->Read(&instruction); ++count) {
    MarkScope scope(marks_, instruction.mark());
    const grpc::Status status = obey(*context, instruction, scope);
    if (!status.ok()) return status;
  }
  fill(*context, instruction, *answer);
  answer->set_index(count);
  return {};
}

grpc::Status InteropService::Expand(grpc::ServerContext* context, const Instruction* instruction,
                                    grpc::ServerWriter<Answer>* writer) {
  MarkScope scope(marks_, instruction->mark());
  Instruction quiet = *instruction;  // the status comes after the replies
  quiet.set_code(0);
  Answer answer;
  for (uint32_t index = 0; index < instruction->reply_count(); ++index) {
    const grpc::Status status = obey(*context, quiet, scope);
    quiet.set_echo_metadata(false);
    if (!status.ok()) return status;
    fill(*context, *instruction, answer);
    answer.set_index(index);
    if (!writer->Write(answer)) {
      scope.cancelled();
      break;
    }
  }
  return status_of(*instruction);
}

grpc::Status InteropService::Chat(grpc::ServerContext* context,
                                  grpc::ServerReaderWriter<Answer, Instruction>* stream) {
  Instruction instruction;
  Answer answer;
  std::string mark;
  for (uint32_t index = 0; stream->Read(&instruction); ++index) {
    mark = instruction.mark();
    MarkScope scope(marks_, mark);
    const grpc::Status status = obey(*context, instruction, scope);
    if (!status.ok()) return status;
    fill(*context, instruction, answer);
    answer.set_index(index);
    if (!stream->Write(answer)) break;
  }
  if (context->IsCancelled()) marks_.cancelled(mark);
  return {};
}

grpc::Status InteropService::Watch(grpc::ServerContext*, const saker::interop::v1::Mark* mark,
                                   saker::interop::v1::Marked* marked) {
  *marked = marks_.get(mark->mark());
  return {};
}

// ---- Echo. The times are no part of the tests.

namespace {

void answer(const EchoService::EchoRequest& request, EchoService::EchoReply& reply) {
  reply.set_payload(request.payload());
  reply.set_client_send_time_ns(request.client_send_time_ns());
  reply.set_sequence(request.sequence());
}

}  // namespace

grpc::Status EchoService::Echo(grpc::ServerContext*, const EchoRequest* request, EchoReply* reply) {
  answer(*request, *reply);
  return {};
}

grpc::Status EchoService::EchoStream(grpc::ServerContext*,
                                     grpc::ServerReaderWriter<EchoReply, EchoRequest>* stream) {
  EchoRequest request;
  EchoReply reply;
  while (stream->Read(&request)) {
    answer(request, reply);
    if (!stream->Write(reply)) break;
  }
  return {};
}

grpc::Status EchoService::EchoCollect(grpc::ServerContext*, grpc::ServerReader<EchoRequest>* reader,
                                      EchoCollectReply* reply) {
  EchoRequest request;
  while (reader->Read(&request)) {
    reply->set_messages(reply->messages() + 1);
    reply->set_payload_bytes(reply->payload_bytes() + request.payload().size());
    reply->set_client_send_time_ns(request.client_send_time_ns());
    reply->set_sequence(request.sequence());
  }
  return {};
}

grpc::Status EchoService::EchoExpand(grpc::ServerContext*, const EchoRequest* request,
                                     grpc::ServerWriter<EchoReply>* writer) {
  EchoReply reply;
  answer(*request, reply);
  for (uint32_t index = 0; index < request->expand_count(); ++index) {
    reply.set_expand_index(index);
    if (!writer->Write(reply)) break;
  }
  return {};
}

}  // namespace interop
