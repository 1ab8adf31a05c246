// saker bench call: any method of any gRPC server under load.
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "bench_call_streams.h"
#include "bench_command.h"
#include "call_input.h"
#include "call_options.h"
#include "commands.h"
#include "version.h"

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

// Of a message that is a template, the lowest of its texts has to be one of the type, and so has the
// highest, which is left in its place.
Result<void> take_template(const pb::Descriptor& type, MessageCoder& coder, InputMessage& message,
                           CallLoad& load) {
  auto parsed = RequestTemplate::parse(message.text);
  if (!parsed) {
    return fail("message at line " + std::to_string(message.position.line) + ", column " +
                std::to_string(message.position.column) + ": " + parsed.error().message);
  }
  load.templates.push_back(*std::move(parsed));
  const RequestTemplate& known = load.templates.back();
  if (known.is_constant()) return {};
  message.text = known.lowest();
  if (auto lowest = coder.encode(type, message); !lowest) return std::unexpected(lowest.error());
  message.text = known.highest();
  return {};
}

Result<void> read_requests(const BenchCallOptions& options, const pb::MethodDescriptor& method,
                           ClientSession& session, const Schema& schema, CallLoad& load) {
  const DataSource source = data_source(options.data);
  MessageCoder coder(schema, {options.format, false});
  CallInput input(source, *method.input_type(), coder, MessageSplitter(options.format));
  if (options.format == DataFormat::kJson) {
    input.set_preparation([&](InputMessage& message) {
      return take_template(*method.input_type(), coder, message, load);
    });
  }
  if (auto opened = input.open(session.loop()); !opened) return opened;
  if (auto gathered = input.gather(session); !gathered) return gathered;
  for (std::string& message : input.messages()) load.requests.push_back(std::move(message));
  if (load.requests.empty()) load.requests.emplace_back();
  const bool varies = !std::ranges::all_of(load.templates, &RequestTemplate::is_constant);
  if (!varies) load.templates.clear();
  if (varies && options.check == ReplyCheck::kSame) {
    return fail("--check-reply same: requests that vary have no reply that is the same");
  }
  return {};
}

rpc::MethodKind kind_of(const pb::MethodDescriptor& method) {
  if (method.client_streaming() && method.server_streaming()) {
    return rpc::MethodKind::kBidiStreaming;
  }
  if (method.client_streaming()) return rpc::MethodKind::kClientStreaming;
  return method.server_streaming() ? rpc::MethodKind::kServerStreaming : rpc::MethodKind::kUnary;
}

// Everything that the server has to be asked about before the run.
int prepare(const BenchCallOptions& options, ClientSession& session, Schema& schema,
            CallLoad& load) {
  const auto method = find_method(schema, options.method);
  if (!method) {
    (void)fail_usage(method.error().message);
    return schema.exit_code() == kExitInterrupted ? kExitInterrupted : kExitUsage;
  }
  load.kind = kind_of(**method);
  if (load.kind == rpc::MethodKind::kUnary && options.bench.messages != 0) {
    return fail_usage("--messages: " + (*method)->full_name() + " is no streaming method");
  }
  load.path = "/" + (*method)->service()->full_name() + "/" + (*method)->name();
  load.check = options.check;
  load.request_type = (*method)->input_type();
  load.reply_type = (*method)->output_type();
  load.seed = session.loop().random();
  if (auto read = read_requests(options, **method, session, schema, load); !read) {
    return fail_usage(read.error().message);
  }
  schema.seal();
  return session.interrupted() ? kExitInterrupted : kExitOk;
}

std::string_view name_of(ReplyCheck check) {
  switch (check) {
    case ReplyCheck::kStatus:
      break;
    case ReplyCheck::kParse:
      return "parse";
    case ReplyCheck::kSame:
      return "same";
  }
  return "status";
}

// Those of `saker bench call` alone, for the report; what is long is cut short.
std::string call_flags(const BenchCallOptions& options) {
  constexpr size_t kLongest = 200;
  std::string text = in_shell(options.method);
  if (!options.data.empty()) {
    const bool fits = options.data.size() <= kLongest;
    text += " -d " + in_shell(fits ? options.data : options.data.substr(0, kLongest) + "...");
  }
  const auto add_all = [&text](const char* name, const std::vector<std::string>& values) {
    for (const std::string& value : values) text += name + in_shell(value);
  };
  add_all(" --proto ", options.schema.protos);
  add_all(" --import-path ", options.schema.import_paths);
  add_all(" --protoset ", options.schema.protosets);
  return text.append(" --check-reply ").append(name_of(options.check));
}

int run_bench_call(BenchCallOptions& options) {
  options.bench.workload_flags = call_flags(options);
  ClientOptions client;
  client.target = options.bench.target;
  client.metadata = options.bench.metadata;
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
  options.bench.kind = load.kind;
  if (load.kind != rpc::MethodKind::kServerStreaming) set_usual_messages(options.bench);
  return run_call_load(options.bench, std::move(load));
}

}  // namespace

void add_bench_call_command(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchCallOptions>();
  options->bench.payload_bytes = 0;
  CLI::App& command = *bench.add_subcommand("call", "any method of any gRPC server");
  command.validate_positionals();
  add_bench_options(command, options->bench);
  add_report_options(command, options->bench.report, "--report-format");
  add_method(command, options->method);
  add_messages(
      command, options->bench,
      "on each stream of a streaming method: so many are sent (default: 100), or, of server "
      "streaming, received (default: all)");
  add_data_options(command, options->data, options->format);
  add_parsed<ReplyCheck>(command, "--check-reply", options->check, parse_check,
                         "what makes a reply right beside status OK: status (nothing else), parse, "
                         "same (as the first one to the same request)")
      ->type_name("KIND")
      ->default_str("status");
  add_schema_options(command, options->schema);
  command.footer(
      "Messages are encoded once; several in -d take turns. In JSON, {{seq}}, {{uuid}},\n"
      "{{random 1 100}}, {{randbytes 16 256}} and {{randbytes lognormal 200 1 65536}} (base64)\n"
      "are something else in each call. Schema as for saker call: --help there.\n\n"
      "Examples:\n"
      "  saker bench call saker.echo.v1.Echo/Echo -d '{\"payload\": \"aGVsbG8=\"}' -z 5s\n"
      "  saker bench call saker.echo.v1.Echo/Echo -d '{\"sequence\": {{seq}}, \"payload\": "
      "\"{{randbytes 16 256}}\"}'\n"
      "  saker bench call 10.0.0.7:50051 grpc.health.v1.Health/Check --check-reply same -n 100000\n"
      "  saker bench call saker.echo.v1.Echo/EchoStream --messages 1000 --rps 10k");
  command.callback([options, &exit_code] { exit_code = run_bench_call(*options); });
}

}  // namespace saker::app
