// Schemas from files: .proto sources, read with protobuf's own compiler, and descriptor sets, which
// `protoc --descriptor_set_out --include_imports` writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schema.h"

namespace saker::app {

// `files` are paths, or names below one of `import_paths` (none given: the current directory).
// google/protobuf/*.proto and the other protos of this program need no import path. The error names
// file, line and column.
Result<std::unique_ptr<Schema>> load_protos(const std::vector<std::string>& files,
                                            const std::vector<std::string>& import_paths);

Result<std::unique_ptr<Schema>> load_protosets(const std::vector<std::string>& files);

}  // namespace saker::app
