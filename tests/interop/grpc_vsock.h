// gRPC C++ 1.51 knows no vsock: addresses (1.57 is the first), but it takes connected descriptors: a
// listener whose connections are handed to a server, and a channel over one connection, which is
// never made again. Addresses are "vsock:CID:PORT" and "vsock:CID:any".
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace interop {

bool is_vsock(const std::string& address);

// Accepts for `server` from a thread of its own. Ends before the server shuts down: gRPC crashes on a
// connection that it is handed meanwhile.
class VsockListener {
 public:
  VsockListener(const std::string& address, grpc::Server& server);
  ~VsockListener();
  VsockListener(const VsockListener&) = delete;
  VsockListener& operator=(const VsockListener&) = delete;

  // As bound; empty: cannot listen there.
  const std::string& address() const { return address_; }

 private:
  void accept_for(grpc::Server& server);

  int listener_ = -1;
  std::string address_;
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

// Null: nobody listens there.
std::shared_ptr<grpc::Channel> connect_vsock(const std::string& address);

}  // namespace interop
