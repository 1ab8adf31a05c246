#include "generator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>

#include "names.h"
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

// The first part of the file's namespace that no C++ can have, or an empty text. Where protobuf
// does not rename it, its own code for the messages does not compile
// either, and says so less clearly.
std::string keyword_in(std::string_view cpp_namespace) {
  while (!cpp_namespace.empty()) {
    const size_t end = cpp_namespace.find("::");
    const std::string_view part = cpp_namespace.substr(0, end);
    if (is_keyword(part)) return std::string(part);
    cpp_namespace.remove_prefix(end == std::string_view::npos ? cpp_namespace.size() : end + 2);
  }
  return {};
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
  if (const std::string keyword = keyword_in(file.cpp_namespace); !keyword.empty()) {
    *error = descriptor->name() + ": package \"" + descriptor->package() + "\": \"" + keyword +
             "\" is a keyword of C++ and no name for a namespace; rename the package";
    return false;
  }
  return write_file(*context, file.stem + ".saker.h", write_header(file), *error) &&
         write_file(*context, file.stem + ".saker.cc", write_source(file), *error);
}

}  // namespace saker::codegen
