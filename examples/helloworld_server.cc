// helloworld_server [ADDRESS]: a unary service, with health and reflection beside it.
#include "google/rpc/error_details.pb.h"
#include "helloworld.saker.h"
#include "run_server.h"
#include "saker/rpc/status_details.h"
#include "saker/services/health/health_service.h"
#include "saker/services/reflection/reflection_service.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;

class Greeter {
 public:
  grpc::Status say_hello(rpc::ServerContext& context, helloworld::HelloRequest& request,
                         helloworld::HelloReply& reply) {
    if (request.name().empty()) return nameless();
    reply.set_message("Hello " + request.name());

    // Metadata of the client's, and ours with the reply's head and behind its end.
    if (const auto language = context.metadata().find("language")) {
      (void)context.initial_metadata().add("language", *language);
    }
    (void)context.trailing_metadata().add("greeter-bin", std::string("\x00\x01", 2));
    return {};
  }

 private:
  static grpc::Status nameless() {
    google::rpc::BadRequest bad;
    bad.add_field_violations()->set_field("name");
    return rpc::make_status(grpc::StatusCode::kInvalidArgument, "whom shall I greet?", {&bad});
  }
};

int main(int argc, char** argv) {
  rpc::ServerOptions options;
  options.threads = 2;  // event loops; 0: as many as CPUs
  options.compression = grpc::Compression::kGzip;
  rpc::Server server(options);

  Greeter greeter;
  helloworld::register_greeter(server.dispatcher(), greeter);

  saker::health::HealthService health;
  health.set_status("helloworld.Greeter", saker::health::ServingStatus::kServing);
  health.register_on(server.dispatcher());

  saker::reflection::ReflectionService reflection;
  reflection.register_on(server.dispatcher());  // last: it lists what is there

  return run_server(server, argc > 1 ? argv[1] : "127.0.0.1:50051");
}
