#include "saker/services/reflection/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>

#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "saker/grpc/path.h"
#include "saker/rpc/server_context.h"

namespace saker::reflection {
namespace {

namespace pb = google::protobuf;
namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;
using grpc::Status;
using grpc::StatusCode;

// Files that a stream has been sent: a client asks about one symbol after the other, and most of
// what they import is the same.
using SentFiles = std::unordered_set<const pb::FileDescriptor*>;

template <typename Response>
void set_error(Response& response, StatusCode code, std::string message) {
  auto& error = *response.mutable_error_response();
  error.set_error_code(static_cast<int>(code));
  error.set_error_message(std::move(message));
}

// The file before those it imports, as the asker expects its own file first.
template <typename Files>
void add_file(const pb::FileDescriptor& file, SentFiles& sent, Files& files) {
  if (!sent.insert(&file).second) return;
  pb::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(files.add_file_descriptor_proto());
  for (int at = 0; at < file.dependency_count(); ++at) add_file(*file.dependency(at), sent, files);
}

template <typename Response>
void set_file(Response& response, const pb::FileDescriptor* file, SentFiles& sent,
              const std::string& wanted) {
  if (file == nullptr) return set_error(response, StatusCode::kNotFound, wanted + " is not known");
  sent.erase(file);  // asked for, hence sent, again
  add_file(*file, sent, *response.mutable_file_descriptor_response());
}

template <typename Response>
void set_extension_file(Response& response, const std::string& type, int number, SentFiles& sent) {
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  const pb::Descriptor* base = pool.FindMessageTypeByName(type);
  const pb::FieldDescriptor* extension =
      base == nullptr ? nullptr : pool.FindExtensionByNumber(base, number);
  set_file(response, extension == nullptr ? nullptr : extension->file(), sent,
           "extension " + std::to_string(number) + " of " + type);
}

template <typename Response>
void set_extension_numbers(Response& response, const std::string& type) {
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  const pb::Descriptor* base = pool.FindMessageTypeByName(type);
  if (base == nullptr) return set_error(response, StatusCode::kNotFound, type + " is not known");
  std::vector<const pb::FieldDescriptor*> extensions;
  pool.FindAllExtensions(base, &extensions);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

template <typename Request, typename Response>
void answer(const Request& request, const std::vector<std::string>& services, SentFiles& sent,
            Response& response) {
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  switch (request.message_request_case()) {
    case Request::kFileByFilename: {
      const std::string& name = request.file_by_filename();
      return set_file(response, pool.FindFileByName(name), sent, "file " + name);
    }
    case Request::kFileContainingSymbol: {
      const std::string& name = request.file_containing_symbol();
      return set_file(response, pool.FindFileContainingSymbol(name), sent, "symbol " + name);
    }
    case Request::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      return set_extension_file(response, wanted.containing_type(), wanted.extension_number(),
                                sent);
    }
    case Request::kAllExtensionNumbersOfType:
      return set_extension_numbers(response, request.all_extension_numbers_of_type());
    case Request::kListServices:
      for (const std::string& name : services) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case Request::MESSAGE_REQUEST_NOT_SET:
      return set_error(response, StatusCode::kInvalidArgument, "the request asks for nothing");
  }
}

template <typename Request, typename Response>
struct Reflect {
  const std::vector<std::string>* services;
  rpc::Task<Status> operator()(rpc::ServerContext&, rpc::Reader<Request>& requests,
                               rpc::Writer<Response>& responses) const {
    SentFiles sent;
    Request request;
    while (co_await requests.read(request)) {
      Response response;
      response.set_valid_host(request.host());
      answer(request, *services, sent, response);
      *response.mutable_original_request() = std::move(request);
      if (!co_await responses.write(response)) break;
    }
    co_return Status{};
  }
};

template <typename Request, typename Response>
void register_version(rpc::Dispatcher& dispatcher, const std::vector<std::string>& services) {
  const pb::FileDescriptor& file = *Request::descriptor()->file();
  dispatcher.add_bidi_streaming<Request, Response>(
      "/" + file.service(0)->full_name() + "/" + file.service(0)->method(0)->name(),
      Reflect<Request, Response>{&services});
}

}  // namespace

void ReflectionService::register_on(rpc::Dispatcher& dispatcher) {
  register_version<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(dispatcher,
                                                                              services_);
  register_version<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(dispatcher,
                                                                                        services_);
  std::set<std::string, std::less<>> names;
  for (const auto& method : dispatcher.methods()) {
    if (const auto path = grpc::split_path(method->path())) names.emplace(path->service);
  }
  services_.assign(names.begin(), names.end());
}

}  // namespace saker::reflection
