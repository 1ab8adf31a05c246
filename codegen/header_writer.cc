// The header of a file's services. For each service, in this order: how to serve it, a base for
// those who serve a part of it, and its stub.
#include "text.h"
#include "writer.h"

namespace saker::codegen {
namespace {

constexpr std::string_view kContext = "::saker::rpc::ServerContext&";

// The types of a handler's second and third argument.
std::string input_of(const Method& method) {
  return method.client_streaming ? "::saker::rpc::Reader<" + method.request + ">&"
                                 : method.request + "&";
}
std::string output_of(const Method& method) {
  return method.server_streaming ? "::saker::rpc::Writer<" + method.reply + ">&"
                                 : method.reply + "&";
}

std::string kind_of(const Method& method) {
  if (method.unary()) return "unary";
  if (!method.server_streaming) return "client_streaming";
  return method.client_streaming ? "bidi_streaming" : "server_streaming";
}

std::string kind_constant_of(const Method& method) {
  if (method.unary()) return "kUnary";
  if (!method.server_streaming) return "kClientStreaming";
  return method.client_streaming ? "kBidiStreaming" : "kServerStreaming";
}

// The handler as a person would declare it, for comments and for the compiler's complaint.
std::string declaration_of(const Method& method, std::string_view result) {
  const std::string in = method.client_streaming ? "Reader<Request>&" : "Request&";
  const std::string out = method.server_streaming ? "Writer<Reply>&" : "Reply&";
  return std::string(result) + " " + method.handler + "(ServerContext&, " + in + ", " + out + ")";
}

// ---- serving

void add_registration(const Method& method, Text& text) {
  const std::string result = method.unary() ? "UnaryResult" : "StreamingResult";
  const std::string wanted = declaration_of(method, method.unary() ? "Status" : "Task<Status>");
  text.add(
      "  if constexpr (requires(Impl& handler, $context$ context,\n"
      "                         $in$ in,\n"
      "                         $out$ out) {\n"
      "                  { handler.$name$(context, in, out) } -> ::saker::rpc::$result$;\n"
      "                }) {\n"
      "    dispatcher.add_$kind$<$request$,\n"
      "        $reply$>(\n"
      "        \"$path$\",\n"
      "        [handler = &impl]($context$ context,\n"
      "                          $in$ in,\n"
      "                          $out$ out) {\n"
      "          return handler->$name$(context, in, out);\n"
      "        });\n"
      "  } else {\n"
      "    static_assert(::saker::rpc::kMissingHandler<Impl>,\n"
      "                  \"rpc $path$: the class of handlers has no member \"\n"
      "                  \"$wanted$\");\n"
      "  }\n",
      {{"context", kContext},
       {"in", input_of(method)},
       {"out", output_of(method)},
       {"name", method.handler},
       {"result", result},
       {"kind", kind_of(method)},
       {"request", method.request},
       {"reply", method.reply},
       {"path", method.path},
       {"wanted", wanted}});
}

void add_register_function(const Service& service, Text& text) {
  text.add(
      "// Makes `dispatcher` call `impl`, which must outlive the server, for every method of "
      "$service$:\n",
      {{"service", service.full_name}});
  for (const Method& method : service.methods) {
    const std::string result = method.unary() ? "Status or Task<Status>" : "Task<Status>";
    text.add("//   $declaration$;\n", {{"declaration", declaration_of(method, result)}});
  }
  text.add(
      "template <typename Impl>\n"
      "void $register$([[maybe_unused]] ::saker::rpc::Dispatcher& dispatcher,\n"
      "    [[maybe_unused]] Impl& impl) {\n",
      {{"register", service.register_name}});
  for (const Method& method : service.methods) add_registration(method, text);
  text.add("}\n\n");
}

void add_base_method(const Method& method, Text& text) {
  const bool task = !method.unary();
  text.add(
      "  $result$ $name$($context$,\n"
      "      $in$,\n"
      "      $out$) const {\n"
      "    return ::saker::rpc::$answer$(\"$path$\");\n"
      "  }\n",
      {{"result", task ? "::saker::rpc::Task<::saker::grpc::Status>" : "::saker::grpc::Status"},
       {"name", method.handler},
       {"context", kContext},
       {"in", input_of(method)},
       {"out", output_of(method)},
       {"answer", task ? "unimplemented_task" : "unimplemented"},
       {"path", method.path}});
}

void add_base(const Service& service, Text& text) {
  text.add(
      "// Answers every method of $service$ with UNIMPLEMENTED.\n"
      "// A class that derives from it serves the methods that it declares itself: they hide\n"
      "// those here, nothing is virtual.\n"
      "class $base$ {\n",
      {{"service", service.full_name}, {"base", service.base}});
  if (!service.methods.empty()) text.add(" public:\n");
  for (const Method& method : service.methods) add_base_method(method, text);
  text.add("};\n\n");
}

// ---- calling

void add_blocking_call(const Method& method, Text& text) {
  text.add(
      "  $deprecated$::saker::grpc::Status $name$(const $request$& request,\n"
      "      $reply$& reply, ::saker::rpc::BlockingContext& context);\n"
      "  $deprecated$::saker::grpc::Status $name$(const $request$& request,\n"
      "      $reply$& reply);\n",
      {{"deprecated", method.deprecated ? "[[deprecated]] " : ""},
       {"name", method.handler},
       {"request", method.request},
       {"reply", method.reply}});
}

void add_stub_method(const Method& method, Text& text) {
  text.add("\n  // ---- $path$\n", {{"path", method.path}});
  text.add_comment(method.comment, "  ");
  if (method.unary()) add_blocking_call(method, text);
  text.add(
      "  $deprecated$static const ::saker::rpc::TypedMethod<$request$,\n"
      "      $reply$, ::saker::rpc::MethodKind::$kind$>&\n"
      "  $descriptor$();\n"
      "  using $call$ $deprecated$= ::saker::rpc::BoundCall<&$descriptor$>;\n",
      {{"request", method.request},
       {"reply", method.reply},
       {"kind", kind_constant_of(method)},
       {"descriptor", method.descriptor},
       {"call", method.call},
       {"deprecated", method.deprecated ? "[[deprecated]] " : ""}});
}

void add_stub(const Service& service, Text& text) {
  text.add_comment(service.comment, "");
  if (!service.comment.empty()) text.add("//\n");
  text.add(
      "// The client's side of $service$.\n"
      "// Objects make blocking unary calls, from any thread. For a channel's own loop there are "
      "types\n"
      "// to derive from (XyCall), and descriptors (xy_method()) for co_await saker::rpc::call().\n"
      "class $deprecated$$stub$ {\n"
      " public:\n"
      "  static constexpr const char* kServiceName = \"$service$\";\n"
      "\n"
      "  explicit $stub$(::saker::rpc::BlockingClient& client) : client_(&client) {}\n",
      {{"service", service.full_name},
       {"stub", service.stub},
       {"deprecated", service.deprecated ? "[[deprecated]] " : ""}});
  for (const Method& method : service.methods) add_stub_method(method, text);
  text.add("\n private:\n  [[maybe_unused]] ::saker::rpc::BlockingClient* client_;\n};\n\n");
}

}  // namespace

std::string write_header(const File& file) {
  Text text;
  add_opening(file, text);
  text.add("#pragma once\n\n");
  for (const std::string& header : file.message_headers) {
    text.add("#include \"$header$\"\n", {{"header", header}});
  }
  for (const char* header : {"blocking_client.h", "bound_call.h", "dispatcher.h", "service.h"}) {
    text.add("#include \"saker/rpc/$header$\"\n", {{"header", header}});
  }
  text.add("\n");
  text.open_namespace(file);
  for (const Service& service : file.services) {
    add_register_function(service, text);
    add_base(service, text);
    add_warnings_off(service, text);
    add_stub(service, text);
    add_warnings_on(service, text);
  }
  text.close_namespace(file);
  return text.take();
}

}  // namespace saker::codegen
