// Cases of many calls: one after another on one connection or on new ones, and all at once.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "client_case.h"

namespace interop {

Text rpc_soak(Peer& peer) {
  for (int at = 0; at < 10; ++at) {
    if (Text why = large_unary(peer); !why.empty()) return why;
  }
  return {};
}

Text channel_soak(Peer& peer) {
  for (int at = 0; at < 10; ++at) {
    const auto stub = TestService::NewStub(peer.connect());
    if (Text why = call_large(*stub, large()); !why.empty()) return why;
  }
  return {};
}

// A hundred at a time, which is what servers let one connection have.
Text concurrent_large_unary(Peer& peer) {
  constexpr int kCalls = 100;
  struct Call {
    Context context;
    SimpleRequest request = large();
    SimpleResponse reply;
    Status status;
  };
  std::vector<std::unique_ptr<Call>> calls;
  std::mutex mutex;
  std::condition_variable ended;
  int open = kCalls;
  for (int at = 0; at < kCalls; ++at) {
    calls.push_back(std::make_unique<Call>());
    Call* call = calls.back().get();
    peer.stub->async()->UnaryCall(&call->context, &call->request, &call->reply,
                                  [&, call](Status s) {
                                    const std::lock_guard lock(mutex);
                                    call->status = std::move(s);
                                    if (--open == 0) ended.notify_one();
                                  });
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open == 0; });
  Text why;
  for (const auto& call : calls) {
    why = first_of(why, expect(call->status, StatusCode::OK),
                   expect(call->reply.payload().body().size(), 314159));
  }
  return why;
}

}  // namespace interop
