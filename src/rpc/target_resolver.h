// TargetResolver: the backends that a target's addresses stand for. Names are asked for when the
// channel wants it, at most once in min_resolution_interval after an answer, and with back-off after
// a failure (grpc/doc/naming.md, connection-backoff.md). What was known stays in use while a new
// answer is awaited, and when there is none. Its channel's loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "saker/net/loop.h"
#include "saker/net/target.h"
#include "saker/rpc/client_options.h"

namespace saker::rpc {

struct Backend {
  net::Address address;
  std::string target;     // what the user wrote
  std::string authority;  // RFC 9113 section 8.3.1
};

class TargetResolverEvents {
 public:
  virtual void on_backends() = 0;
  // No backend is known at all.
  virtual void on_resolve_failed(const std::string& why) = 0;

 protected:
  ~TargetResolverEvents() = default;
};

class TargetResolver final : private net::Timer {
 public:
  TargetResolver(net::Loop& loop, const net::Target& target, const ChannelOptions& options,
                 TargetResolverEvents& events);
  ~TargetResolver();

  // In the target's order, without doubles.
  std::vector<Backend> backends() const;
  bool has_names() const { return has_names_; }
  // Asks for all names, now or as soon as it is allowed.
  void ask();
  void stop();
  // Nothing is known, and the next question has to wait.
  bool is_backing_off() const;

 private:
  struct Entry;

  void on_timer(Time now) override;
  void on_resolved(Entry& entry, Result<std::vector<net::Address>> addresses);

  net::Loop& loop_;
  const ChannelOptions& options_;
  TargetResolverEvents& events_;
  std::vector<std::unique_ptr<Entry>> entries_;
  bool has_names_ = false;
};

}  // namespace saker::rpc
