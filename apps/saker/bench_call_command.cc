// saker bench call: any unary method of any gRPC server under load.
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "bench_call_workload.h"
#include "bench_command.h"
#include "call_input.h"
#include "call_options.h"
#include "commands.h"

namespace saker::app {
namespace {

struct BenchCallOptions {
  BenchOptions bench;
  SchemaOptions schema;
  std::string method;
  std::string data;
  DataFormat format = DataFormat::kJson;
  ReplyCheck check = ReplyCheck::kStatus;
};

Result<ReplyCheck> parse_check(std::string_view name) {
  if (name == "status") return ReplyCheck::kStatus;
  if (name == "parse") return ReplyCheck::kParse;
  if (name == "same") return ReplyCheck::kSame;
  return fail("'" + std::string(name) + "' is none of status, parse, same");
}

Result<void> read_requests(const BenchCallOptions& options, const pb::MethodDescriptor& method,
                           ClientSession& session, const Schema& schema, CallLoad& load) {
  const DataSource source = data_source(options.data);
  MessageCoder coder(schema, {options.format, false});
  CallInput input(source, *method.input_type(), coder, MessageSplitter(options.format));
  if (auto opened = input.open(session.loop()); !opened) return opened;
  if (auto gathered = input.gather(session); !gathered) return gathered;
  for (std::string& message : input.messages()) load.requests.push_back(std::move(message));
  if (load.requests.empty()) load.requests.emplace_back();
  return {};
}

// Everything that the server has to be asked about before the run.
int prepare(const BenchCallOptions& options, ClientSession& session, Schema& schema,
            CallLoad& load) {
  const auto method = find_method(schema, options.method);
  if (!method) {
    (void)fail_usage(method.error().message);
    return schema.exit_code() == kExitInterrupted ? kExitInterrupted : kExitUsage;
  }
  if ((*method)->client_streaming() || (*method)->server_streaming()) {
    return fail_usage((*method)->full_name() + " is a streaming method; bench call makes unary " +
                      "calls only");
  }
  load.path = "/" + (*method)->service()->full_name() + "/" + (*method)->name();
  load.check = options.check;
  load.reply_type = (*method)->output_type();
  if (auto read = read_requests(options, **method, session, schema, load); !read) {
    return fail_usage(read.error().message);
  }
  schema.seal();
  return session.interrupted() ? kExitInterrupted : kExitOk;
}

int run_bench_call(BenchCallOptions& options) {
  ClientOptions client;
  client.target = options.bench.target;
  client.deadline = options.bench.connect_timeout;
  std::unique_ptr<Schema> schema;
  CallLoad load;
  auto session = ClientSession::make(client);
  if (!session) return fail_usage(session.error().message);
  {
    const Interrupt interrupt([&](int count) {
      if (count > 1) _exit(kExitInterrupted);
      (*session)->interrupt();
    });
    auto opened = open_schema(options.schema, session->get());
    if (!opened) return fail_usage(opened.error().message);
    schema = *std::move(opened);
    if (const int code = prepare(options, **session, *schema, load)) return code;
  }
  (*session)->channel().close();  // the server's connections are those of the run
  for (const std::string& request : load.requests) {
    options.bench.payload_bytes = std::max<uint64_t>(options.bench.payload_bytes, request.size());
  }
  return run_bench(options.bench, CallWorkload(std::move(load)));
}

}  // namespace

void add_bench_call_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchCallOptions>();
  options->bench.payload_bytes = 0;
  CLI::App& command = *bench.add_subcommand("call", "any unary method of any gRPC server");
  command.validate_positionals();
  add_bench_options(command, options->bench);
  add_method(command, options->method);
  add_data_options(command, options->data, options->format);
  add_parsed<ReplyCheck>(command, "--check-reply", options->check, parse_check,
                         "what makes a reply right beside status OK: status (nothing else), parse, "
                         "same (as the first one to the same request)")
      ->type_name("KIND")
      ->default_str("status");
  add_schema_options(command, options->schema);
  command.footer(
      "Messages are encoded once; several in -d take turns. Schema as for saker call: --help "
      "there.\n\n"
      "Examples:\n"
      "  saker bench call saker.echo.v1.Echo/Echo -d '{\"payload\": \"aGVsbG8=\"}' -z 5s\n"
      "  saker bench call 10.0.0.7:50051 grpc.health.v1.Health/Check --check-reply same -n 100000");
  command.callback([options, &exit_code] { exit_code = run_bench_call(*options); });
}

}  // namespace saker::app
