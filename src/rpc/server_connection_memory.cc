// What a ServerConnection holds for its peer: how much it is, what of it is charged to the connection's
// budget, and what happens to calls for which there is no memory, of the connection's or the process's.
#include "saker/rpc/server_connection.h"
#include "saker/rpc/server_loop.h"

namespace saker::rpc {
namespace {

constexpr size_t kCallBytes = 3 * 1024;  // a stream and its call slot

}  // namespace

using grpc::StatusCode;

size_t ServerConnection::memory_bytes() const {
  return sizeof *this - sizeof engine_ + engine_.memory_bytes() + stream_->memory_bytes() +
         input_.memory_bytes() + (unpacking_ != nullptr ? unpacking_->unpacking_bytes() : 0) +
         budget_.used() + calls_ * kCallBytes;
}

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

// Before anything is looked up, or allocated for more than the refusal.
void ServerConnection::refuse_for_memory(h2::Stream& stream) {
  loop_.counters().calls_refused += 1;
  bind_call(stream, nullptr)
      .refuse(StatusCode::kResourceExhausted,
              "the server is short of memory: " + loop_.memory().usage());
}

}  // namespace saker::rpc
