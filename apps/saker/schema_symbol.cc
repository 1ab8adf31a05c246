// find_symbol(): whatever has a name in a schema, in the form that a .proto file gives it.
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "schema.h"

namespace saker::app {
namespace {

template <typename Proto, typename Descriptor>
Symbol describe(const char* kind, const std::string& name, const Descriptor& descriptor) {
  Symbol symbol{kind, name, {}, {}};
  pb::DebugStringOptions options;
  options.include_comments = true;
  symbol.source = descriptor.DebugStringWithOptions(options);
  Proto proto;
  descriptor.CopyTo(&proto);
  pb::util::JsonPrintOptions json;
  json.add_whitespace = true;
  // A descriptor is a message like any other: there is nothing in it that JSON cannot say.
  (void)pb::util::MessageToJsonString(proto, &symbol.json, json);
  return symbol;
}

template <typename Proto, typename Descriptor>
Result<Symbol> describe_found(const char* kind, const Descriptor* descriptor) {
  return describe<Proto>(kind, descriptor->full_name(), *descriptor);
}

Result<Symbol> find_in_pool(const pb::DescriptorPool& pool, const std::string& name) {
  if (const auto* found = pool.FindServiceByName(name)) {
    return describe_found<pb::ServiceDescriptorProto>("service", found);
  }
  if (const auto* found = pool.FindMessageTypeByName(name)) {
    return describe_found<pb::DescriptorProto>("message", found);
  }
  if (const auto* found = pool.FindEnumTypeByName(name)) {
    return describe_found<pb::EnumDescriptorProto>("enum", found);
  }
  if (const auto* found = pool.FindMethodByName(name)) {
    return describe_found<pb::MethodDescriptorProto>("method", found);
  }
  if (const auto* found = pool.FindFieldByName(name)) {
    return describe_found<pb::FieldDescriptorProto>("field", found);
  }
  if (const auto* found = pool.FindExtensionByName(name)) {
    return describe_found<pb::FieldDescriptorProto>("extension", found);
  }
  if (const auto* found = pool.FindOneofByName(name)) {
    return describe_found<pb::OneofDescriptorProto>("oneof", found);
  }
  if (const auto* found = pool.FindEnumValueByName(name)) {
    return describe_found<pb::EnumValueDescriptorProto>("enum value", found);
  }
  if (const auto* found = name.ends_with(".proto") ? pool.FindFileByName(name) : nullptr) {
    return describe<pb::FileDescriptorProto>("file", found->name(), *found);
  }
  return fail("no symbol " + name);
}

}  // namespace

Result<Symbol> find_symbol(Schema& schema, std::string_view name) {
  std::string wanted(name);
  if (wanted.starts_with('/') || wanted.starts_with('.')) wanted.erase(0, 1);
  if (!wanted.ends_with(".proto")) std::ranges::replace(wanted, '/', '.');
  auto found = find_in_pool(schema.pool(), wanted);
  if (found) return found;
  if (auto state = schema.state(); !state) return std::unexpected(state.error());
  // What is wrong with a name is most often wrong with a service's.
  if (const auto method = find_method(schema, wanted); !method && wanted.contains('.')) {
    if (const auto service = find_service(schema, wanted.substr(0, wanted.rfind('.'))); service) {
      return std::unexpected(method.error());
    }
  }
  auto service = find_service(schema, wanted);
  const std::string& why = service.error().message;
  const size_t hint = why.find("; ");
  return fail("no symbol " + wanted + " in " + schema.source_name() +
              (hint == std::string::npos ? "" : why.substr(hint)));
}

}  // namespace saker::app
