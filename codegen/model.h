// The model of one .proto file: what the writers of header and source need to know, all names
// decided and all comments cut into lines. Knows protobuf's descriptors, not what is written.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace saker::codegen {

struct Method {
  std::string proto_name;  // "Echo"
  std::string path;        // "/saker.echo.v1.Echo/Echo"
  std::string handler;     // "echo": member of the handler class, blocking call of the stub
  std::string descriptor;  // "echo_method"
  std::string call;        // "EchoCall"
  std::string request;     // "::saker::echo::v1::EchoRequest"
  std::string reply;
  bool client_streaming = false;
  bool server_streaming = false;
  bool deprecated = false;
  std::vector<std::string> comment;

  bool unary() const { return !client_streaming && !server_streaming; }
};

struct Service {
  std::string full_name;      // "saker.echo.v1.Echo"
  std::string stub;           // "EchoStub"
  std::string base;           // "UnimplementedEcho"
  std::string register_name;  // "register_echo"
  bool deprecated = false;
  std::vector<std::string> comment;
  std::vector<Method> methods;
};

struct File {
  std::string proto_path;                    // "saker/echo/v1/echo.proto"
  std::string stem;                          // "saker/echo/v1/echo"
  std::string cpp_namespace;                 // "saker::echo::v1"; empty: the global one
  std::vector<std::string> message_headers;  // "saker/echo/v1/echo.pb.h", sorted
  std::vector<Service> services;
};

File make_model(const google::protobuf::FileDescriptor& file);

}  // namespace saker::codegen
