// What both ends of the VM-life tests share: addresses, a channel that looks again soon, and a load
// whose every call is accounted for.
#pragma once

#include <time.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "saker/net/loop.h"
#include "saker/rpc/channel.h"
#include "saker/rpc/unary_client_call.h"

namespace saker::vm {

inline constexpr uint32_t kGuestCid = 42;  // run-in-vm's inner machine
inline constexpr uint32_t kGuestPort = 7001;
inline constexpr uint32_t kHostPort = 7002;
// How long a host that has vanished without a word goes unnoticed: keepalive's time and time-out.
inline constexpr Duration kKeepaliveTime = std::chrono::seconds(2);
inline constexpr Duration kKeepaliveTimeout = std::chrono::seconds(1);

inline net::Address vsock(uint32_t cid, uint32_t port) {
  net::Address address{.transport = net::Transport::kVsock, .cid = cid};
  address.port = port;
  return address;
}

inline Time clock_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

template <typename Kind>
Kind must(Result<Kind> result) {
  if (result) {
    if constexpr (std::is_void_v<Kind>) {
      return;
    } else {
      return std::move(*result);
    }
  }
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

// Everything as it is by default, but keepalive, so that the tests need not wait.
inline rpc::ChannelOptions patient_channel() {
  rpc::ChannelOptions options;
  options.vsock_keepalive = {.time = kKeepaliveTime, .timeout = kKeepaliveTimeout};
  return options;
}

inline const rpc::ClientMethod& echo_method() {
  static const rpc::ClientMethod method("/vm.Life/Echo", rpc::MethodKind::kUnary);
  return method;
}

// Callers that each have one call under way, always: when it ends, the next one starts, and waits for
// a server if there is none.
class Load {
 public:
  struct Totals {
    uint64_t started = 0;
    uint64_t ended = 0;
    uint64_t ok = 0;
    uint64_t unavailable = 0;
    uint64_t other = 0;
    uint64_t wrong = 0;  // replies that are not the request, and calls that ended twice
  };

  Load(net::Loop& loop, rpc::Channel& channel, size_t callers) : loop_(loop), channel_(channel) {
    for (size_t at = 0; at < callers; ++at) callers_.push_back(std::make_unique<Caller>(*this));
  }

  void start() {
    for (auto& caller : callers_) caller->start_next();
  }
  // No new calls; those that wait for a server are cancelled, and are no part of the totals' `other`.
  void stop() {
    stopping_ = true;
    for (auto& caller : callers_) caller->cancel();
  }
  size_t under_way() const { return totals_.started - totals_.ended; }
  const Totals& totals() const { return totals_; }
  // The totals in their order; any thread.
  std::string report() const {
    const Totals& t = totals_;
    std::string text;
    for (const uint64_t value : {t.started, t.ended, t.ok, t.unavailable, t.other, t.wrong}) {
      text += (text.empty() ? "" : " ") + std::to_string(value);
    }
    return text;
  }

 private:
  class Caller final : public rpc::UnaryClientCall<rpc::RawMessage, rpc::RawMessage> {
   public:
    explicit Caller(Load& load) : load_(load) {}
    void start_next() {
      const uint64_t number = ++load_.totals_.started;
      expected_ = std::to_string(number) + std::string(number % 3000, 'x');
      request().bytes = expected_;
      under_way_ = true;
      start(load_.channel_, echo_method(), {.wait_for_ready = true});
    }

   private:
    void on_done() override {
      load_.ended(*this);
      if (!load_.stopping_) start_next();
    }
    friend class Load;
    Load& load_;
    std::string expected_;
    bool under_way_ = false;
  };

  void ended(Caller& caller) {
    ++totals_.ended;
    if (!std::exchange(caller.under_way_, false)) ++totals_.wrong;
    switch (caller.status().code) {
      case grpc::StatusCode::kOk:
        ++totals_.ok;
        if (caller.reply().bytes != caller.expected_) ++totals_.wrong;
        break;
      case grpc::StatusCode::kUnavailable:
        ++totals_.unavailable;
        break;
      default:
        if (!stopping_) ++totals_.other;
    }
  }

  net::Loop& loop_;
  rpc::Channel& channel_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Totals totals_;
  bool stopping_ = false;
};

}  // namespace saker::vm
