#include "saker_service.h"

#include <stdexcept>

#include "saker/rpc/sleep.h"

namespace saker::interop {
namespace {

using grpc::Status;
using rpc::Reader;
using rpc::ServerContext;
using rpc::Task;
using rpc::Writer;
using v1::Answer;
using v1::Instruction;

Status status_of(const Instruction& instruction) {
  return {static_cast<grpc::StatusCode>(instruction.code()), instruction.message(),
          instruction.details()};
}

void add_metadata(grpc::Metadata& metadata, std::string_view name, std::string_view value) {
  // A name or value that came in as metadata is fit to go out again.
  (void)metadata.add(name, value);
}

void echo_metadata(ServerContext& context) {
  context.metadata().each([&](std::string_view name, std::string_view value) {
    if (!name.starts_with("x-")) return;
    add_metadata(context.initial_metadata(), name, value);
    const bool is_binary = grpc::is_binary_name(name);
    std::string trailer(is_binary ? name.substr(0, name.size() - 4) : name);
    trailer += is_binary ? "-trailer-bin" : "-trailer";
    add_metadata(context.trailing_metadata(), trailer, value);
  });
}

int64_t remaining_ms(ServerContext& context) {
  if (context.deadline() == kNever) return -1;
  const Duration left = context.deadline() - context.read_clock();
  return std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
}

void fill(ServerContext& context, const Instruction& instruction, Answer& answer) {
  if (instruction.reply_bytes() != 0) {
    answer.mutable_payload()->assign(instruction.reply_bytes(), 'r');
  } else {
    answer.set_payload(instruction.payload());
  }
  answer.set_remaining_ms(remaining_ms(context));
  answer.set_peer(context.peer().name);
  answer.set_request_was_compressed(context.request_was_compressed());
}

// What all kinds do before they answer. The status says whether to answer at all.
Task<Status> obey(ServerContext& context, const Instruction& instruction, MarkScope& scope) {
  if (instruction.echo_metadata()) echo_metadata(context);
  // The enumerations have the same numbers.
  context.set_compression(static_cast<grpc::Compression>(instruction.compression()));
  const Duration pause = std::chrono::milliseconds(instruction.sleep_ms());
  if (pause != Duration{0} && !co_await rpc::sleep_for(context, pause)) {
    scope.cancelled();
    co_return Status{grpc::StatusCode::kCancelled, "the handler was cancelled", {}};
  }
  if (instruction.throw_exception()) throw std::runtime_error("as instructed");
  co_return status_of(instruction);
}

struct Unary {
  Marks& marks;
  Task<Status> operator()(ServerContext& context, Instruction& instruction, Answer& answer) const {
    MarkScope scope(marks, instruction.mark());
    auto status = co_await obey(context, instruction, scope);
    if (!status) throw std::runtime_error("as instructed");
    if (status->ok()) fill(context, instruction, answer);
    co_return *std::move(status);
  }
};

struct Collect {
  Marks& marks;
  Task<Status> operator()(ServerContext& context, Reader<Instruction>& requests,
                          Answer& answer) const {
    Instruction instruction;
    uint32_t count = 0;
    for (; co_await requests.read(instruction); ++count) {
      MarkScope scope(marks, instruction.mark());
      auto status = co_await obey(context, instruction, scope);
      if (!status) throw std::runtime_error("as instructed");
      if (!status->ok()) co_return *std::move(status);
    }
    fill(context, instruction, answer);
    answer.set_index(count);
    co_return Status{};
  }
};

struct Expand {
  Marks& marks;
  Task<Status> operator()(ServerContext& context, Instruction& instruction,
                          Writer<Answer>& replies) const {
    MarkScope scope(marks, instruction.mark());
    Instruction quiet = instruction;  // the status comes after the replies
    quiet.set_code(0);
    Answer answer;
    for (uint32_t index = 0; index < instruction.reply_count(); ++index) {
      auto status = co_await obey(context, quiet, scope);
      quiet.set_echo_metadata(false);
      if (!status) throw std::runtime_error("as instructed");
      if (!status->ok()) co_return *std::move(status);
      fill(context, instruction, answer);
      answer.set_index(index);
      if (!co_await replies.write(answer)) {
        scope.cancelled();
        break;
      }
    }
    co_return status_of(instruction);
  }
};

struct Chat {
  Marks& marks;
  Task<Status> operator()(ServerContext& context, Reader<Instruction>& requests,
                          Writer<Answer>& replies) const {
    Instruction instruction;
    Answer answer;
    for (uint32_t index = 0; co_await requests.read(instruction); ++index) {
      MarkScope scope(marks, instruction.mark());
      auto status = co_await obey(context, instruction, scope);
      if (!status) throw std::runtime_error("as instructed");
      if (!status->ok()) co_return *std::move(status);
      fill(context, instruction, answer);
      answer.set_index(index);
      if (!co_await replies.write(answer)) break;
    }
    if (context.cancelled()) marks.cancelled(instruction.mark());
    co_return Status{};
  }
};

struct Watch {
  Marks& marks;
  Status operator()(ServerContext&, v1::Mark& mark, v1::Marked& marked) const {
    marked = marks.get(mark.mark());
    return {};
  }
};

struct Reflect {
  Status operator()(ServerContext&, rpc::RawMessage& request, rpc::RawMessage& reply) const {
    reply.bytes.swap(request.bytes);
    return {};
  }
};

}  // namespace

void register_interop_service(rpc::Dispatcher& dispatcher, Marks& marks) {
  const std::string service = "/saker.interop.v1.Interop/";
  dispatcher.add_unary<Instruction, Answer>(service + "Unary", Unary{marks});
  dispatcher.add_client_streaming<Instruction, Answer>(service + "Collect", Collect{marks});
  dispatcher.add_server_streaming<Instruction, Answer>(service + "Expand", Expand{marks});
  dispatcher.add_bidi_streaming<Instruction, Answer>(service + "Chat", Chat{marks});
  dispatcher.add_unary<v1::Mark, v1::Marked>(service + "Watch", Watch{marks});
  dispatcher.add_unary<rpc::RawMessage, rpc::RawMessage>(service + "Reflect", Reflect{});
}

}  // namespace saker::interop
