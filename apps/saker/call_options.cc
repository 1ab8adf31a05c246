#include "call_options.h"

#include "command_line.h"
#include "file_schema.h"
#include "server_schema.h"

namespace saker::app {
namespace {

CLI::Option* add_files(CLI::App& command, const std::string& flag, std::vector<std::string>& out,
                       const std::string& type, const std::string& help) {
  return command.add_option(flag, out, help)
      ->type_name(type)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void add_schema_options(CLI::App& command, SchemaOptions& options) {
  CLI::Option* protos = add_files(command, "--proto", options.protos, "FILE",
                                  "a .proto source instead of server reflection; repeatable");
  add_files(command, "--import-path", options.import_paths, "DIR",
            "where --proto files and their imports are looked for; repeatable; default: .");
  add_files(command, "--protoset", options.protosets, "FILE",
            "a descriptor set (protoc --descriptor_set_out --include_imports) instead of server "
            "reflection; repeatable")
      ->excludes(protos);
}

void add_client_options(CLI::App& command, ClientOptions& options,
                        const std::string& deadline_help) {
  // Arguments go to the first positional that takes them: what is no address is not TARGET.
  command.validate_positionals();
  add_target(command, options.target);
  add_metadata(command, options.metadata);
  add_duration(command, "--deadline", options.deadline, deadline_help)->default_str("0");
  command.add_flag("--wait-for-ready", options.wait_for_ready,
                   "wait for the server to come up, within the deadline");
}

void add_method(CLI::App& command, std::string& method) {
  command.add_option("METHOD", method, "SERVICE/METHOD or SERVICE.METHOD, with the package")
      ->required()
      ->type_name("")
      ->check([](const std::string& text) {
        const bool has_two_parts = text.find_first_of("/.") != std::string::npos;
        return has_two_parts ? std::string() : "'" + text + "': write SERVICE/METHOD";
      });
}

void add_data_options(CLI::App& command, std::string& data, DataFormat& format) {
  command
      .add_option("-d,--data", data,
                  "request messages, one after the other; @FILE: from a file, @: from stdin")
      ->type_name("TEXT");
  add_parsed<DataFormat>(command, "--format", format, parse_data_format,
                         "of messages: json, text (protobuf's, separated by 0x1E) or binary")
      ->type_name("NAME")
      ->default_str("json");
}

Result<std::unique_ptr<Schema>> open_schema(const SchemaOptions& options, ClientSession* session) {
  if (!options.protos.empty()) return load_protos(options.protos, options.import_paths);
  if (!options.protosets.empty()) return load_protosets(options.protosets);
  return make_server_schema(*session);
}

DataSource data_source(const std::string& argument) {
  DataSource source;
  source.is_given = !argument.empty();
  source.is_file = argument.starts_with('@');
  source.text = source.is_file ? argument.substr(1) : argument;
  source.name = "-d";
  if (source.is_file) {
    if (source.text.empty()) source.text = "-";
    source.name = source.text == "-" ? "standard input" : source.text;
  }
  return source;
}

}  // namespace saker::app
