// The source of a file's services: the descriptors of their methods, made at first use, and the
// stubs' blocking calls.
#include "text.h"
#include "writer.h"

namespace saker::codegen {
namespace {

void add_descriptor(const Service& service, const Method& method, Text& text) {
  text.add(
      "decltype($stub$::$descriptor$()) $stub$::$descriptor$() {\n"
      "  static const ::std::remove_cvref_t<decltype($descriptor$())> method(\"$path$\");\n"
      "  return method;\n"
      "}\n\n",
      {{"stub", service.stub}, {"descriptor", method.descriptor}, {"path", method.path}});
}

void add_blocking_calls(const Service& service, const Method& method, Text& text) {
  text.add(
      "::saker::grpc::Status $stub$::$name$(const $request$& request,\n"
      "    $reply$& reply, ::saker::rpc::BlockingContext& context) {\n"
      "  return client_->call($descriptor$(), request, reply, context);\n"
      "}\n\n"
      "::saker::grpc::Status $stub$::$name$(const $request$& request,\n"
      "    $reply$& reply) {\n"
      "  ::saker::rpc::BlockingContext context;\n"
      "  return client_->call($descriptor$(), request, reply, context);\n"
      "}\n\n",
      {{"stub", service.stub},
       {"name", method.handler},
       {"request", method.request},
       {"reply", method.reply},
       {"descriptor", method.descriptor}});
}

void add_service(const Service& service, Text& text) {
  add_warnings_off(service, text);
  for (const Method& method : service.methods) {
    add_descriptor(service, method, text);
    if (method.unary()) add_blocking_calls(service, method, text);
  }
  add_warnings_on(service, text);
}

}  // namespace

std::string write_source(const File& file) {
  Text text;
  add_opening(file, text);
  text.add("#include \"$stem$.saker.h\"\n\n#include <type_traits>\n\n", {{"stem", file.stem}});
  text.open_namespace(file);
  for (const Service& service : file.services) add_service(service, text);
  text.close_namespace(file);
  return text.take();
}

}  // namespace saker::codegen
