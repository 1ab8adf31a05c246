// gRPC C++ 1.51 knows no vsock: addresses (1.57 is the first), but it takes connected descriptors: a
// listener whose connections are handed to a server, and a channel over one connection, which is
// never made again. Addresses are "vsock:CID:PORT" and "vsock:CID:any".
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace interop {

bool is_vsock(const std::string& address);

// Accepts for `server` from a thread of its own, until the process ends. Returns the address as
// bound; empty: cannot listen there.
std::string listen_vsock(const std::string& address, grpc::Server& server);

// Null: nobody listens there.
std::shared_ptr<grpc::Channel> connect_vsock(const std::string& address);

}  // namespace interop
