// saker list and saker describe: what a gRPC server offers, or what .proto files declare.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "call_options.h"
#include "command_line.h"
#include "commands.h"
#include "interrupt.h"

namespace saker::app {
namespace {

using Json = nlohmann::ordered_json;

struct DescribeArguments {
  ClientOptions client;
  SchemaOptions schema;
  std::string name;
  bool json = false;
};

using Show = Result<void> (*)(Schema&, const DescribeArguments&);

Json method_json(const pb::MethodDescriptor& method) {
  return {{"name", method.name()},
          {"full_name", method.full_name()},
          {"path", "/" + method.service()->full_name() + "/" + method.name()},
          {"request", method.input_type()->full_name()},
          {"reply", method.output_type()->full_name()},
          {"client_streaming", method.client_streaming()},
          {"server_streaming", method.server_streaming()}};
}

void print_json(const Json& json) {
  std::cout << json.dump(2) << '\n';
}

Result<void> show_services(Schema& schema, const DescribeArguments& arguments) {
  const auto names = schema.service_names();
  if (!names) return std::unexpected(names.error());
  if (arguments.json) {
    print_json(*names);
    return {};
  }
  for (const std::string& name : *names) std::cout << name << '\n';
  return {};
}

Result<void> show_list(Schema& schema, const DescribeArguments& arguments) {
  if (arguments.name.empty()) return show_services(schema, arguments);
  const auto service = find_service(schema, arguments.name);
  if (!service) return std::unexpected(service.error());
  Json json = Json::array();
  for (int at = 0; at < (*service)->method_count(); ++at) {
    const pb::MethodDescriptor& method = *(*service)->method(at);
    if (arguments.json) {
      json.push_back(method_json(method));
    } else {
      std::cout << method.full_name() << '\n';
    }
  }
  if (arguments.json) print_json(json);
  return {};
}

void print_symbol(const Symbol& symbol) {
  const bool has_vowel = std::string_view("aeiou").find(symbol.kind[0]) != std::string::npos;
  std::cout << symbol.full_name << " is " << (has_vowel ? "an " : "a ") << symbol.kind << ":\n"
            << symbol.source;
  if (!symbol.source.ends_with('\n')) std::cout << '\n';
}

// Without a name all services.
Result<void> show_symbols(Schema& schema, const DescribeArguments& arguments) {
  std::vector<std::string> names{arguments.name};
  if (arguments.name.empty()) {
    auto services = schema.service_names();
    if (!services) return std::unexpected(services.error());
    names = *std::move(services);
  }
  Json json = Json::array();
  for (const std::string& name : names) {
    const auto symbol = find_symbol(schema, name);
    if (!symbol) return std::unexpected(symbol.error());
    if (arguments.json) {
      json.push_back({{"name", symbol->full_name},
                      {"kind", symbol->kind},
                      {"descriptor", Json::parse(symbol->json, nullptr, false)}});
    } else {
      print_symbol(*symbol);
    }
  }
  if (arguments.json) print_json(arguments.name.empty() ? json : json[0]);
  return {};
}

int run_show(const DescribeArguments& arguments, Show show) {
  std::unique_ptr<ClientSession> session;
  if (!arguments.schema.is_file()) {
    auto made = ClientSession::make(arguments.client);
    if (!made) return fail_usage(made.error().message);
    session = *std::move(made);
  }
  const Interrupt interrupt([&](int count) {
    if (count > 1 || session == nullptr) _exit(kExitInterrupted);
    session->interrupt();
  });
  auto schema = open_schema(arguments.schema, session.get());
  if (!schema) return fail_usage(schema.error().message);
  const auto shown = show(**schema, arguments);
  if (session != nullptr && session->interrupted()) return kExitInterrupted;
  if (shown) return kExitOk;
  (void)fail_usage(shown.error().message);
  return (*schema)->exit_code();
}

CLI::App& add_command(CLI::App& app, int& exit_code, const char* name, const char* help,
                      const char* argument, const char* argument_help, Show show) {
  const auto arguments = std::make_shared<DescribeArguments>();
  CLI::App& command = *app.add_subcommand(name, help);
  add_client_options(command, arguments->client,
                     "of each answer of server reflection; 0: 10s, with --wait-for-ready none");
  command.add_option(argument, arguments->name, argument_help)->type_name("");
  add_schema_options(command, arguments->schema);
  command.add_flag("--json", arguments->json, "print one JSON document");
  command.callback([arguments, show, &exit_code] { exit_code = run_show(*arguments, show); });
  return command;
}

}  // namespace

void add_list_command(CLI::App& app, int& exit_code) {
  add_command(app, exit_code, "list", "the services of a gRPC server, or the methods of one",
              "SERVICE", "its methods instead of all services", show_list)
      .footer(
          "Examples:\n"
          "  saker list 127.0.0.1:50051\n"
          "  saker list 127.0.0.1:50051 saker.echo.v1.Echo\n"
          "  saker list --proto shop/v1/orders.proto --import-path protos");
}

void add_describe_command(CLI::App& app, int& exit_code) {
  add_command(app, exit_code, "describe",
              "services, methods and messages of a gRPC server as .proto source", "SYMBOL",
              "full name of a service, method, message, enum or field, or a file; default: all "
              "services",
              show_symbols)
      .footer(
          "Examples:\n"
          "  saker describe 127.0.0.1:50051 saker.echo.v1.Echo/Echo\n"
          "  saker describe saker.echo.v1.EchoRequest --json\n"
          "  saker describe --protoset shop.protoset shop.v1.Order");
}

}  // namespace saker::app
