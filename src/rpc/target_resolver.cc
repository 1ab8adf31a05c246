#include "saker/rpc/target_resolver.h"

#include <algorithm>

#include "saker/net/socket_address.h"
#include "saker/rpc/backoff.h"

namespace saker::rpc {
namespace {

// What has no host name of its own is "localhost".
std::string authority_of(const net::Address& target) {
  if (target.transport != net::Transport::kTcp) return "localhost";
  if (target.host.empty()) return "localhost:" + std::to_string(target.port);  // ":50051"
  const bool is_ipv6 = target.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

}  // namespace

struct TargetResolver::Entry final : net::ResolveEvents {
  Entry(TargetResolver& owner, const net::Address& address)
      : resolver(owner), target(address), is_name(net::needs_lookup(address)) {
    if (!is_name) found = {address};
  }
  void on_resolved(Result<std::vector<net::Address>> addresses) override {
    resolver.on_resolved(*this, std::move(addresses));
  }

  TargetResolver& resolver;
  const net::Address target;
  const bool is_name;
  std::vector<net::Address> found;
  std::unique_ptr<net::ResolveAttempt> attempt;
  bool wanted = false;
  Time next_at{};
  Backoff backoff;
};

TargetResolver::TargetResolver(net::Loop& loop, const net::Target& target,
                               const ChannelOptions& options, TargetResolverEvents& events)
    : loop_(loop), options_(options), events_(events) {
  for (const net::Address& address : target.addresses) {
    entries_.push_back(std::make_unique<Entry>(*this, address));
    has_names_ = has_names_ || entries_.back()->is_name;
  }
}

TargetResolver::~TargetResolver() {
  loop_.cancel(*this);
}

void TargetResolver::stop() {
  loop_.cancel(*this);
  for (auto& entry : entries_) {
    entry->attempt.reset();
    entry->wanted = false;
  }
}

std::vector<Backend> TargetResolver::backends() const {
  std::vector<Backend> all;
  for (const auto& entry : entries_) {
    for (const net::Address& address : entry->found) {
      const bool known = std::ranges::any_of(
          all, [&](const Backend& backend) { return backend.address == address; });
      if (known) continue;
      const std::string& authority = options_.authority;
      all.push_back({address, net::to_string(entry->target),
                     authority.empty() ? authority_of(entry->target) : authority});
    }
  }
  return all;
}

bool TargetResolver::is_backing_off() const {
  return std::ranges::all_of(entries_, [this](const auto& entry) {
    return entry->found.empty() && entry->attempt == nullptr && loop_.now() < entry->next_at;
  });
}

void TargetResolver::ask() {
  for (auto& entry : entries_) entry->wanted = entry->is_name && entry->attempt == nullptr;
  on_timer(loop_.now());
}

void TargetResolver::on_timer(Time now) {
  Time due = kNever;
  for (auto& entry : entries_) {
    if (!entry->wanted || entry->attempt != nullptr) continue;
    if (now >= entry->next_at) {
      entry->wanted = false;
      entry->attempt = loop_.resolve(entry->target, options_.connect.timeout, *entry);
    } else {
      due = std::min(due, entry->next_at);
    }
  }
  if (due != kNever) loop_.arm(*this, due);
}

void TargetResolver::on_resolved(Entry& entry, Result<std::vector<net::Address>> addresses) {
  const std::unique_ptr<net::ResolveAttempt> done = std::move(entry.attempt);
  if (addresses) {
    entry.backoff.reset();
    entry.next_at = time_after(loop_.now(), options_.min_resolution_interval);
    const bool changed = entry.found != *addresses;
    entry.found = *std::move(addresses);
    if (changed) events_.on_backends();
    return;
  }
  entry.next_at = time_after(loop_.now(), entry.backoff.next(options_, loop_.random()));
  const bool knows_some =
      std::ranges::any_of(entries_, [](const auto& other) { return !other->found.empty(); });
  const bool asks_others =
      std::ranges::any_of(entries_, [](const auto& other) { return other->attempt != nullptr; });
  if (knows_some || asks_others) return;
  events_.on_resolve_failed("connect to " + net::to_string(entry.target) + ": " +
                            addresses.error().message);
}

}  // namespace saker::rpc
