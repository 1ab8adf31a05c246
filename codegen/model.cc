#include "model.h"

#include <google/protobuf/compiler/cpp/names.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "names.h"

namespace saker::codegen {
namespace {

namespace pb = google::protobuf;
namespace pb_cpp = google::protobuf::compiler::cpp;

// The namespace that protobuf puts the file's messages into. Asked of protobuf itself, whose list
// of keywords ("package new" becomes namespace new_) changes with its version: a file of the same
// package with one message tells.
std::string namespace_of(const pb::FileDescriptor& file) {
  pb::FileDescriptorProto probe;
  probe.set_name("probe.proto");
  probe.set_package(file.package());
  probe.add_message_type()->set_name("M");
  pb::DescriptorPool pool;
  const std::string name = pb_cpp::QualifiedClassName(pool.BuildFile(probe)->message_type(0));
  constexpr size_t kBefore = 2;  // "::"
  constexpr size_t kBehind = 3;  // "::M"
  return name.size() < kBefore + kBehind ? ""
                                         : name.substr(kBefore, name.size() - kBefore - kBehind);
}

// A comment's lines as they stand behind "//". One that ends in a backslash would
// swallow the line behind it.
void append_lines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      line.pop_back();
    }
    if (line.ends_with('\\')) line += " //";
    lines.push_back(std::move(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

template <typename Descriptor>
std::vector<std::string> comment_of(const Descriptor& descriptor) {
  std::vector<std::string> lines;
  pb::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return lines;
  append_lines(location.leading_comments, lines);
  append_lines(location.trailing_comments, lines);
  return lines;
}

// Names at namespace scope share it with the package's messages, enums and their values, as far as
// the compiler was shown them.
std::string take_global(const pb::FileDescriptor& file, Scope& scope, std::string name) {
  const std::string prefix = file.package().empty() ? "" : file.package() + ".";
  while (file.pool()->FindFileContainingSymbol(prefix + name) != nullptr) name += '_';
  return scope.take(std::move(name));
}

Method make_method(const pb::MethodDescriptor& descriptor) {
  Method method;
  method.proto_name = descriptor.name();
  method.path = "/" + descriptor.service()->full_name() + "/" + descriptor.name();
  method.request = pb_cpp::QualifiedClassName(descriptor.input_type());
  method.reply = pb_cpp::QualifiedClassName(descriptor.output_type());
  method.client_streaming = descriptor.client_streaming();
  method.server_streaming = descriptor.server_streaming();
  method.deprecated = descriptor.options().deprecated();
  method.comment = comment_of(descriptor);
  return method;
}

// First the names that people write, then those that are made from them: a method EchoMethod must
// not move because there is a method Echo too.
void name_methods(Service& service) {
  Scope members;
  members.reserve("client_");
  members.reserve("kServiceName");
  members.reserve(service.stub);
  for (Method& method : service.methods)
    method.handler = members.take(snake_case(method.proto_name));
  for (Method& method : service.methods) {
    method.descriptor = members.take(snake_case(method.proto_name) + "_method");
    method.call = members.take(method.proto_name + "Call");
  }
}

Service make_service(const pb::ServiceDescriptor& descriptor, Scope& globals) {
  const pb::FileDescriptor& file = *descriptor.file();
  Service service;
  service.full_name = descriptor.full_name();
  service.stub = take_global(file, globals, descriptor.name() + "Stub");
  service.base = take_global(file, globals, "Unimplemented" + descriptor.name());
  service.register_name = take_global(file, globals, "register_" + snake_case(descriptor.name()));
  service.deprecated = descriptor.options().deprecated();
  service.comment = comment_of(descriptor);
  for (int index = 0; index < descriptor.method_count(); ++index) {
    service.methods.push_back(make_method(*descriptor.method(index)));
  }
  name_methods(service);
  return service;
}

std::vector<std::string> message_headers(const pb::FileDescriptor& file) {
  std::set<std::string> stems = {pb_cpp::StripProto(file.name())};
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      const pb::MethodDescriptor& method = *file.service(s)->method(m);
      stems.insert(pb_cpp::StripProto(method.input_type()->file()->name()));
      stems.insert(pb_cpp::StripProto(method.output_type()->file()->name()));
    }
  }
  std::vector<std::string> headers;
  headers.reserve(stems.size());
  for (const std::string& stem : stems) headers.push_back(stem + ".pb.h");
  return headers;
}

}  // namespace

File make_model(const pb::FileDescriptor& descriptor) {
  File file;
  file.proto_path = descriptor.name();
  file.stem = pb_cpp::StripProto(descriptor.name());
  file.cpp_namespace = namespace_of(descriptor);
  file.message_headers = message_headers(descriptor);
  Scope globals;
  for (int index = 0; index < descriptor.service_count(); ++index) {
    file.services.push_back(make_service(*descriptor.service(index), globals));
  }
  return file;
}

}  // namespace saker::codegen
