// helloworld_client [ADDRESS [NAME]]: blocking unary calls: the plain one, then everything a call
// may be told and tells, errors, and many threads on one client.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "helloworld.saker.h"
#include "saker/rpc/blocking_client.h"
#include "saker/rpc/status_details.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
using namespace std::chrono_literals;

namespace {

int report(const grpc::Status& status) {
  const std::string name(grpc::status_code_name(status.code));
  std::fprintf(stderr, "%s: %s\n", name.c_str(), status.message.c_str());
  return 1;
}

grpc::Status greet(rpc::BlockingClient& client, const std::string& name) {
  helloworld::GreeterStub stub(client);
  helloworld::HelloRequest request;
  request.set_name(name);
  helloworld::HelloReply reply;
  const grpc::Status status = stub.say_hello(request, reply);
  if (status.ok()) std::printf("%s\n", reply.message().c_str());
  return status;
}

grpc::Status greet_with_everything(rpc::BlockingClient& client, const std::string& name) {
  rpc::BlockingContext context;
  context.timeout = 10s;                           // the deadline, from now; sent as grpc-timeout
  context.wait_for_ready = true;                   // do not fail with UNAVAILABLE: wait
  context.compression = grpc::Compression::kGzip;  // of the request
  (void)context.metadata.add("language", "en");
  (void)context.metadata.add("trace-bin", std::string("\x00\xff", 2));  // "-bin": any bytes

  helloworld::HelloRequest request;
  request.set_name(name);
  helloworld::HelloReply reply;
  helloworld::GreeterStub stub(client);
  const grpc::Status status = stub.say_hello(request, reply, context);
  if (status.ok()) {
    const auto language = context.initial_metadata.find("language").value_or("?");
    const auto binary = context.trailing_metadata.find("greeter-bin").value_or("");
    std::printf("%s, in %.*s, with %zu bytes behind, from %s\n", reply.message().c_str(),
                static_cast<int>(language.size()), language.data(), binary.size(),
                context.peer_name.c_str());
  }
  return status;
}

bool greet_nobody(rpc::BlockingClient& client) {
  helloworld::GreeterStub stub(client);
  helloworld::HelloReply reply;
  const grpc::Status status = stub.say_hello({}, reply);
  if (status.code != grpc::StatusCode::kInvalidArgument) return false;
  google::rpc::Status details;
  google::rpc::BadRequest bad;
  if (!rpc::parse_details(status, details) || details.details_size() != 1) return false;
  if (!details.details(0).UnpackTo(&bad) || bad.field_violations_size() != 1) return false;
  std::printf("refused: %s (field: %s)\n", status.message.c_str(),
              bad.field_violations(0).field().c_str());
  return true;
}

// Of the threads that wait, one drives the connection; none of them belongs to the client.
void greet_from_threads(rpc::BlockingClient& client) {
  std::vector<std::thread> threads;
  for (int at = 0; at < 4; ++at) {
    threads.emplace_back([&client, at] { (void)greet(client, "thread " + std::to_string(at)); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = saker::net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  if (!target) {
    std::fprintf(stderr, "%s\n", target.error().message.c_str());
    return 2;
  }
  const auto client = rpc::BlockingClient::create(*target);
  if (!client) {
    std::fprintf(stderr, "%s\n", client.error().message.c_str());
    return 2;
  }
  const std::string name = argc > 2 ? argv[2] : "world";
  if (const auto status = greet_with_everything(**client, name); !status.ok()) {
    return report(status);
  }
  if (const auto status = greet(**client, name); !status.ok()) return report(status);
  greet_from_threads(**client);
  return greet_nobody(**client) ? 0 : 1;
}
