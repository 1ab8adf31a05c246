#include "reflection_database.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>

namespace saker::app {
namespace {

namespace pb = google::protobuf;

bool find_own_file(const std::string& name, pb::FileDescriptorProto* out) {
  if (!name.starts_with("google/")) return false;
  const pb::FileDescriptor* file = pb::DescriptorPool::generated_pool()->FindFileByName(name);
  if (file == nullptr) return false;
  file->CopyTo(out);
  return true;
}

}  // namespace

bool ReflectionDatabase::FindFileByName(const std::string& name, File* out) {
  if (known_.FindFileByName(name, out)) return true;
  ReflectionRequest request;
  request.set_file_by_filename(name);
  if (fetch("file " + name, request) && known_.FindFileByName(name, out)) return true;
  return state_.has_value() && find_own_file(name, out);
}

bool ReflectionDatabase::FindFileContainingSymbol(const std::string& symbol, File* out) {
  if (known_.FindFileContainingSymbol(symbol, out)) return true;
  ReflectionRequest request;
  request.set_file_containing_symbol(symbol);
  return fetch("symbol " + symbol, request) && known_.FindFileContainingSymbol(symbol, out);
}

bool ReflectionDatabase::FindFileContainingExtension(const std::string& type, int number,
                                                     File* out) {
  if (known_.FindFileContainingExtension(type, number, out)) return true;
  ReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type(type);
  request.mutable_file_containing_extension()->set_extension_number(number);
  return fetch("extension " + std::to_string(number) + " of " + type, request) &&
         known_.FindFileContainingExtension(type, number, out);
}

bool ReflectionDatabase::fetch(const std::string& key, const ReflectionRequest& request) {
  if (sealed_ || !state_ || unknown_.contains(key)) return false;
  const auto response = client_.ask(request);
  if (!response) {
    state_ = std::unexpected(response.error());
    return false;
  }
  if (keep(*response)) return true;
  unknown_.insert(key);
  return false;
}

bool ReflectionDatabase::keep(const ReflectionResponse& response) {
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    File file;
    if (!file.ParseFromString(bytes)) {
      state_ = fail("a file that server reflection sent does not parse");
      return false;
    }
    if (names_.insert(file.name()).second) known_.Add(file);
  }
  return response.has_file_descriptor_response();
}

Result<std::vector<std::string>> ReflectionDatabase::list_services() {
  ReflectionRequest request;
  request.set_list_services("*");
  const auto response = client_.ask(request);
  if (!response) {
    state_ = std::unexpected(response.error());
    return std::unexpected(response.error());
  }
  if (response->has_error_response()) {
    return fail("server reflection lists no services: " +
                response->error_response().error_message());
  }
  std::vector<std::string> names;
  for (const auto& service : response->list_services_response().service()) {
    names.push_back(service.name());
  }
  std::ranges::sort(names);
  return names;
}

void ReflectionDatabase::seal() {
  client_.close();
  sealed_ = true;
}

}  // namespace saker::app
