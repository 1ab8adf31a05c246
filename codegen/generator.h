// The plugin as protoc sees it: one .saker.h and one .saker.cc for each .proto file, also for a
// file without services, so that a build knows its outputs without reading
// its inputs. Takes no parameters.
#pragma once

#include <google/protobuf/compiler/code_generator.h>

#include <string>

namespace saker::codegen {

class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override;
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace saker::codegen
