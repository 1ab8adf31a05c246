// Schema: which services, methods and messages there are, as descriptors, wherever they come from:
// a server's reflection (server_schema.h) or files (file_schema.h). Nothing is fetched before it is
// asked for. Belongs to one thread.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "saker/base/result.h"

namespace saker::app {

namespace pb = google::protobuf;

class Schema {
 public:
  virtual ~Schema() = default;

  // Valid as long as the schema; looks things up in the source when they are asked for.
  virtual const pb::DescriptorPool& pool() const = 0;
  // Full names, sorted.
  virtual Result<std::vector<std::string>> service_names() = 0;
  // "127.0.0.1:50051", or the files.
  virtual std::string source_name() const = 0;
  // Why something that was looked for could not be had; success where the source just has none.
  virtual Result<void> state() const = 0;
  // For a command that ends because of state().
  virtual int exit_code() const { return kExitUsage; }
  // From now on nothing is fetched any more: the pool may then be used by several threads.
  virtual void seal() {}
};

// "pkg.Service", or an error that names the nearest services.
Result<const pb::ServiceDescriptor*> find_service(Schema& schema, std::string_view name);

// "pkg.Service/Method", "/pkg.Service/Method" or "pkg.Service.Method".
Result<const pb::MethodDescriptor*> find_method(Schema& schema, std::string_view name);

// What is known by a full name, or a file by its name.
struct Symbol {
  std::string kind;  // "service", "message", …
  std::string full_name;
  std::string source;  // as it would stand in a .proto file
  std::string json;    // its descriptor message in JSON
};
Result<Symbol> find_symbol(Schema& schema, std::string_view name);

}  // namespace saker::app
