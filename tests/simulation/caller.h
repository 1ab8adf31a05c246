// Caller: makes one call after the other on a client's channel: starts it, writes and reads as its
// plan says, cancels or abandons it, tells the ledger what came of it.
#pragma once

#include <memory>

#include "saker/net/timer.h"
#include "saker/rpc/streaming_client_call.h"
#include "saker/rpc/unary_client_call.h"

#include "ledger.h"

namespace saker::simulation {

class Client;

class Caller {
 public:
  explicit Caller(Client& client);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // Begins the next call, if there is one left to make.
  void next();
  // The same, some time from now.
  void rest();

 private:
  class Unary final : public rpc::UnaryClientCall<rpc::RawMessage, rpc::RawMessage> {
   public:
    explicit Unary(Caller& caller) : caller_(caller) {}

   private:
    void on_done() override { caller_.unary_done(); }
    Caller& caller_;
  };
  class Stream final : public rpc::StreamingClientCall<rpc::RawMessage, rpc::RawMessage> {
   public:
    explicit Stream(Caller& caller) : caller_(caller) {}

   private:
    void on_reply(rpc::RawMessage& reply) override { caller_.recv_reply(reply); }
    void on_writable() override { caller_.write(); }
    void on_done() override { caller_.ended(*this); }
    Caller& caller_;
  };
  struct Alarm final : net::Timer {
    Alarm(Caller& owner, void (Caller::*act)()) : caller(owner), action(act) {}
    void on_timer(Time) override { (caller.*action)(); }
    Caller& caller;
    void (Caller::*action)();
  };

  const CallSpec& spec() const { return call_->spec; }
  rpc::ClientCall& object();
  void start();
  void write();
  bool may_write();
  void recv_reply(rpc::RawMessage& reply);
  void resume();
  void act();
  void unary_done();
  void ended(rpc::ClientCall& call);
  void forget();

  Client& client_;
  std::unique_ptr<Unary> unary_;
  std::unique_ptr<Stream> stream_;
  Alarm next_alarm_{*this, &Caller::next};
  Alarm act_alarm_{*this, &Caller::act};
  Alarm resume_alarm_{*this, &Caller::resume};
  grpc::Metadata metadata_;
  rpc::RawMessage request_;
  CallRecord* call_ = nullptr;  // null: none under way
  uint32_t written_ = 0;
  bool writes_done_ = false;
};

}  // namespace saker::simulation
