// gRPC's interoperability cases by gRPC C++, after its own interop_client. One line a case:
// "ok  NAME" or "FAIL  NAME  why".
//   cpp-client --target host:port|unix:/path [--ca FILE --server-name NAME] CASE...
#include <cstdio>
#include <map>
#include <memory>

#include "client_case.h"

namespace {

const std::map<std::string, interop::Text (*)(interop::Peer&)> kCases = {
#define CASE(name) {#name, interop::name}
    CASE(empty_unary),
    CASE(large_unary),
    CASE(client_compressed_unary),
    CASE(server_compressed_unary),
    CASE(client_streaming),
    CASE(client_compressed_streaming),
    CASE(server_streaming),
    CASE(server_compressed_streaming),
    CASE(ping_pong),
    CASE(empty_stream),
    CASE(custom_metadata),
    CASE(status_code_and_message),
    CASE(special_status_message),
    CASE(unimplemented_method),
    CASE(unimplemented_service),
    CASE(cancel_after_begin),
    CASE(cancel_after_first_response),
    CASE(timeout_on_sleeping_server),
    CASE(rpc_soak),
    CASE(channel_soak),
    CASE(concurrent_large_unary),
#undef CASE
};

std::shared_ptr<grpc::Channel> connect(peer::Arguments& arguments) {
  auto& flags = arguments.flags;
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (flags["ca"].empty()) {
    return grpc::CreateCustomChannel(flags["target"], grpc::InsecureChannelCredentials(), options);
  }
  options.SetSslTargetNameOverride(flags["server-name"]);
  grpc::SslCredentialsOptions identity;
  identity.pem_root_certs = peer::read_file(flags["ca"]);
  return grpc::CreateCustomChannel(flags["target"], grpc::SslCredentials(identity), options);
}

}  // namespace

int main(int argc, char** argv) {
  peer::Arguments arguments(argc, argv);
  int failed = 0;
  for (const std::string& name : arguments.rest) {
    interop::Peer peer;
    peer.connect = [&] { return connect(arguments); };
    peer.channel = peer.connect();
    peer.stub = grpc::testing::TestService::NewStub(peer.channel);
    const auto found = kCases.find(name);
    const std::string why = found == kCases.end() ? "no such case" : found->second(peer);
    if (!why.empty()) failed = 1;
    std::printf("%-5s %s  %s\n", why.empty() ? "ok" : "FAIL", name.c_str(), why.c_str());
    std::fflush(stdout);
  }
  return failed;
}
