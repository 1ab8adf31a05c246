// saker call: any method of any gRPC server, described by its reflection or by files.
#include <unistd.h>

#include <iostream>
#include <memory>

#include "call_options.h"
#include "call_run.h"
#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

// Messages beyond it are refused by most servers as well, and protobuf has none beyond 2 GiB.
constexpr uint64_t kMostReceiveBytes = uint64_t{1} << 30;

struct CallArguments {
  ClientOptions client;
  SchemaOptions schema;
  CoderOptions format;
  std::string method;
  std::string data;
  bool verbose = false;
};

int run_method(ClientSession& session, const CallArguments& arguments) {
  auto schema = open_schema(arguments.schema, &session);
  if (!schema) return fail_usage(schema.error().message);
  const auto method = find_method(**schema, arguments.method);
  if (session.interrupted()) return kExitInterrupted;
  if (!method) {
    (void)fail_usage(method.error().message);
    return (*schema)->exit_code();
  }
  const DataSource source = data_source(arguments.data);
  return CallRun(session, **schema, {**method, source, arguments.format, arguments.verbose}).run();
}

int run_call(const CallArguments& arguments) {
  auto session = ClientSession::make(arguments.client);
  if (!session) return fail_usage(session.error().message);
  const Interrupt interrupt([&](int count) {
    if (count > 1) _exit(kExitInterrupted);
    (*session)->interrupt();
  });
  return run_method(**session, arguments);
}

Result<uint64_t> parse_receive_size(std::string_view text) {
  auto bytes = parse_size(text);
  if (bytes && *bytes > kMostReceiveBytes) return fail("at most 1GiB");
  return bytes;
}

}  // namespace

void add_call_command(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<CallArguments>();
  CLI::App& command = *app.add_subcommand("call", "any method of any gRPC server");
  add_client_options(command, arguments->client,
                     "of the call, and of each answer of server reflection; 0: none, and 10s");
  add_method(command, arguments->method);
  add_data_options(command, arguments->data, arguments->format.format);
  command.add_flag("--emit-defaults", arguments->format.emit_defaults,
                   "print fields without a value too (json)");
  add_parsed(command, "--max-receive-size", arguments->client.max_receive_bytes, parse_receive_size,
             "one reply message")
      ->type_name("SIZE")
      ->default_str("4MiB");
  command.add_flag("-v,--verbose", arguments->verbose,
                   "print metadata sent and received, and the status, to stderr");
  add_schema_options(command, arguments->schema);
  command.footer(
      "Without -d a method that takes one message gets an empty one, and any other none.\n"
      "Messages of a stream are sent as they are read and printed as they arrive.\n\n"
      "Examples:\n"
      "  saker call saker.echo.v1.Echo/Echo -d '{\"payload\": \"aGVsbG8=\"}'\n"
      "  saker call unix:/run/saker.sock saker.crypto.v1.Crypto/ListKeys --emit-defaults\n"
      "  saker call example.org:50051 shop.v1.Orders/Watch --proto shop/v1/orders.proto -d @ -v");
  command.callback([arguments, &exit_code] { exit_code = run_call(*arguments); });
}

}  // namespace saker::app
