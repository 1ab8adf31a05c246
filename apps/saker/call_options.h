// What `saker call`, `saker list`, `saker describe` and `saker bench call` are told about where the
// schema and the messages come from, and their flags.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "client_session.h"
#include "data_format.h"
#include "schema.h"

namespace saker::app {

// Empty: from the server's reflection.
struct SchemaOptions {
  std::vector<std::string> protos;
  std::vector<std::string> import_paths;
  std::vector<std::string> protosets;

  bool is_file() const { return !protos.empty() || !protosets.empty(); }
};

// --proto --import-path --protoset
void add_schema_options(CLI::App& command, SchemaOptions& options);
// TARGET, which may be left out even before another argument, -H and --wait-for-ready. With
// `deadline_help` --deadline too.
void add_client_options(CLI::App& command, ClientOptions& options,
                        const std::string& deadline_help);
// The positional SERVICE/METHOD, required.
void add_method(CLI::App& command, std::string& method);
// -d and --format.
void add_data_options(CLI::App& command, std::string& data, DataFormat& format);

// `session` may be null where the schema is from files.
Result<std::unique_ptr<Schema>> open_schema(const SchemaOptions& options, ClientSession* session);

// What -d means: nothing, "TEXT", "@" (standard input) or "@FILE".
struct DataSource {
  bool is_given = false;
  bool is_file = false;
  std::string text;  // or the file; "-": standard input
  std::string name;  // for messages: "-d", "standard input" or the file
};
DataSource data_source(const std::string& argument);

}  // namespace saker::app
