#include "saker/net/ares_lookup.h"

#include <ares.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "saker/net/socket_address.h"

namespace saker::net {
namespace {

int system_error_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return ENOENT;
    case ARES_ETIMEOUT:
      return ETIMEDOUT;
    case ARES_ENOMEM:
      return ENOMEM;
    default:
      return EAGAIN;
  }
}

// Counts, without a lock, how often it is called: so once in a process.
int library_status() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

}  // namespace

// One of c-ares's sockets.
class AresLookup::Socket final : private EpollSource {
 public:
  Socket(AresLookup& owner, int fd) : owner_(owner), fd_(fd) {}
  ~Socket() {
    if (events_ != 0) owner_.loop_.forget(*this, fd_);
  }
  int fd() const { return fd_; }
  bool watch(uint32_t events) {
    if (events_ != 0) {
      owner_.loop_.change(*this, fd_, events);
    } else if (!owner_.loop_.watch(*this, fd_, events)) {
      return false;
    }
    events_ = events;
    return true;
  }

 private:
  // May destroy this.
  void on_ready(uint32_t events) override {
    const bool readable = (events & ~uint32_t{EPOLLOUT}) != 0;
    const bool writable = (events & EPOLLOUT) != 0;
    owner_.process(readable ? fd_ : ARES_SOCKET_BAD, writable ? fd_ : ARES_SOCKET_BAD);
  }

  AresLookup& owner_;
  const int fd_;
  uint32_t events_ = 0;
};

AresLookup::AresLookup(EpollLoop& loop, const Address& name, Duration timeout,
                       ResolveEvents& events, const std::string& name_servers)
    : loop_(loop), events_(events), name_(name), deadline_(time_after(loop.read_clock(), timeout)) {
  begin(name_servers);
}

AresLookup::~AresLookup() {
  closing_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);
  loop_.cancel(*this);
}

void AresLookup::begin(const std::string& name_servers) {
  ares_options options{};
  options.sock_state_cb = on_socket_state;
  options.sock_state_cb_data = this;
  char lookups[] = "fb";  // files, then DNS
  options.lookups = lookups;
  int status = library_status();
  if (status == ARES_SUCCESS) {
    status = ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS);
  }
  if (status != ARES_SUCCESS) channel_ = nullptr;
  if (status == ARES_SUCCESS && !name_servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, name_servers.c_str());
  }
  if (status != ARES_SUCCESS) {
    return finish(failed(ares_strerror(status), system_error_of(status)));
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_ENVHOSTS;
  ares_getaddrinfo(channel_, name_.host.c_str(), nullptr, &hints, on_answer, this);
  arm_timer();
}

void AresLookup::on_socket_state(void* self, int fd, int readable, int writable) {
  uint32_t events = 0;
  if (readable != 0) events |= EPOLLIN;
  if (writable != 0) events |= EPOLLOUT;
  static_cast<AresLookup*>(self)->watch(fd, events);
}

// No events: c-ares is about to close it.
void AresLookup::watch(int fd, uint32_t events) {
  auto at = std::ranges::find_if(sockets_, [fd](const auto& socket) { return socket->fd() == fd; });
  if (events == 0) {
    if (at != sockets_.end()) sockets_.erase(at);
    return;
  }
  if (at == sockets_.end()) {
    sockets_.push_back(std::make_unique<Socket>(*this, fd));
    at = std::prev(sockets_.end());
  }
  // Unwatched, its query ends by c-ares's own timeout, and another server is asked.
  (void)(*at)->watch(events);
}

void AresLookup::process(int readable, int writable) {
  if (result_) return;
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void AresLookup::arm_timer() {
  if (result_) return;
  timeval left{};
  Time due = deadline_;
  if (ares_timeout(channel_, nullptr, &left) != nullptr) {
    const Duration delay = std::chrono::seconds(left.tv_sec) +
                           std::chrono::microseconds(left.tv_usec) + TimerWheel::kTick;
    due = std::min(due, time_after(loop_.read_clock(), delay));
  }
  if (due != kNever) loop_.arm(*this, due);
}

void AresLookup::on_timer(Time now) {
  if (now >= deadline_) return finish(failed("no answer in time", ETIMEDOUT));
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void AresLookup::on_answer(void* self, int status, int, ares_addrinfo* found) {
  AresLookup& lookup = *static_cast<AresLookup*>(self);
  if (status == ARES_SUCCESS && !lookup.closing_ && !lookup.result_) {
    auto addresses = lookup.addresses_of(*found);
    if (addresses.empty()) {
      lookup.finish(lookup.failed("it has no address", ENOENT));
    } else {
      lookup.finish(std::move(addresses));
    }
  } else if (!lookup.closing_ && !lookup.result_) {
    lookup.finish(lookup.failed(ares_strerror(status), system_error_of(status)));
  }
  if (found != nullptr) ares_freeaddrinfo(found);
}

std::vector<Address> AresLookup::addresses_of(const ares_addrinfo& found) const {
  std::vector<Address> addresses;
  for (const ares_addrinfo_node* at = found.nodes; at != nullptr; at = at->ai_next) {
    SocketAddress socket;
    if (at->ai_addrlen > sizeof socket.storage) continue;
    std::memcpy(&socket.storage, at->ai_addr, at->ai_addrlen);
    socket.size = at->ai_addrlen;
    Address address = address_of(socket);
    address.port = name_.port;
    if (std::ranges::find(addresses, address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  return addresses;
}

std::unexpected<Error> AresLookup::failed(const std::string& why, int system_error) const {
  return fail("looking up \"" + name_.host + "\": " + why, system_error);
}

void AresLookup::finish(Result<std::vector<Address>> result) {
  if (result_) return;
  result_ = std::move(result);
  loop_.cancel(*this);
  loop_.at_turn_end(*this);
}

// Its owner may destroy this in on_resolved().
void AresLookup::run_at_turn_end() {
  events_.on_resolved(*std::move(result_));
}

}  // namespace saker::net
