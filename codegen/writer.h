// Writes the C++ of one file's services: glue between the user's handlers and rpc::Dispatcher, and
// stubs over rpc::BlockingClient and rpc::Channel. Equal models give equal text. Everything outside
// the package's own namespace is named from the root, since a package may be called anything:
// "std", "saker", "new".
#pragma once

#include <string>

#include "model.h"

namespace saker::codegen {

std::string write_header(const File& file);
std::string write_source(const File& file);

}  // namespace saker::codegen
