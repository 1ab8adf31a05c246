// What a ServerConnection keeps for calls that wait, and what they are charged.
#include "saker/rpc/server_connection.h"

namespace saker::rpc {

using grpc::StatusCode;

// A client that gives no window for its replies gets no more of them made. What it asks for
// meanwhile is charged to its connection.
void ServerConnection::hold_back(ServerCall& call) {
  if (!call.keep_request()) return;
  call.arm_deadline();
  held_back_.push_back(call);
}

void ServerConnection::release_held_back() {
  while (ServerCall* call = held_back_.try_pop_front()) {
    release_charge(*call);
    ready_.push_back(*call);
  }
}

bool ServerConnection::charge_request(ServerCall& call) {
  if (!budget_.try_charge(call.request_bytes_)) {
    call.refuse(StatusCode::kResourceExhausted,
                "request of " + std::to_string(call.request_bytes_) +
                    " bytes is over what is left of the connection's memory for messages");
    return false;
  }
  call.charged_bytes_ = call.request_bytes_;
  return true;
}

void ServerConnection::release_charge(ServerCall& call) {
  budget_.release(std::exchange(call.charged_bytes_, 0));
}

}  // namespace saker::rpc
