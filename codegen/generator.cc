#include "generator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>

#include "writer.h"

namespace saker::codegen {
namespace {

namespace pb = google::protobuf;

bool write_file(pb::compiler::GeneratorContext& context, const std::string& name,
                const std::string& text, std::string& error) {
  const std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context.Open(name));
  pb::io::CodedOutputStream out(stream.get());
  out.WriteString(text);
  out.Trim();
  if (out.HadError()) error = name + ": cannot be written";
  return !out.HadError();
}

}  // namespace

bool Generator::Generate(const pb::FileDescriptor* descriptor, const std::string& parameter,
                         pb::compiler::GeneratorContext* context, std::string* error) const {
  if (!parameter.empty()) {
    *error = descriptor->name() + ": unknown parameter \"" + parameter +
             "\": protoc-gen-saker takes none, write --saker_out=DIRECTORY";
    return false;
  }
  const File file = make_model(*descriptor);
  return write_file(*context, file.stem + ".saker.h", write_header(file), *error) &&
         write_file(*context, file.stem + ".saker.cc", write_source(file), *error);
}

}  // namespace saker::codegen
