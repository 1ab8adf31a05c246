// protoc-gen-saker: typed services and stubs out of .proto files.
//   protoc --cpp_out=DIR --saker_out=DIR -I PROTOS saker/echo/v1/echo.proto
// libprotoc reads the request from stdin, writes the response to stdout, and reports errors as
// protoc expects them.
#include <google/protobuf/compiler/plugin.h>

#include "generator.h"

int main(int argc, char** argv) {
  const saker::codegen::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
