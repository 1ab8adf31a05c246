#include "saker/rpc/blocking_client.h"

namespace saker::rpc {

// Starts a follower's call on the loop.
struct BlockingClient::StartTask final : net::PostedTask {
  StartTask(ClientCall& c, Channel& ch, const ClientMethod& m, const CallOptions& o)
      : call(c), channel(ch), method(m), options(o) {}
  void run() override { call.start(channel, method, options); }
  ClientCall& call;
  Channel& channel;
  const ClientMethod& method;
  const CallOptions options;
};

Result<std::unique_ptr<BlockingClient>> BlockingClient::create(const net::Target& target,
                                                               const ChannelOptions& options,
                                                               const net::EpollLoopOptions& loop) {
  auto made = net::make_epoll_loop(loop);
  if (!made) return std::unexpected(made.error());
  return std::unique_ptr<BlockingClient>(new BlockingClient(*std::move(made), target, options));
}

BlockingClient::BlockingClient(std::unique_ptr<net::Loop> loop, const net::Target& target,
                               const ChannelOptions& options)
    : loop_(std::move(loop)), channel_(std::make_unique<Channel>(*loop_, target, options)) {}

BlockingClient::~BlockingClient() {
  channel_.reset();
}

void BlockingClient::run(ClientCall& call, Waiter& waiter, const ClientMethod& method,
                         BlockingContext& context) {
  CallOptions options;
  options.deadline = time_after(loop_->read_clock(), context.timeout);
  options.wait_for_ready = context.wait_for_ready;
  options.metadata = &context.metadata;
  options.compression = context.compression;
  waiter.client_ = this;
  StartTask start(call, *channel_, method, options);
  std::unique_lock lock(mutex_);
  if (led_) {
    loop_->post(start);
    follow(lock, waiter);
  } else {
    led_ = true;
    lock.unlock();
    loop_->run_once(loop_->read_clock());  // what happened while nobody looked
    start.run();
    lock.lock();
    lead(lock, waiter);
  }
  lock.unlock();
  context.initial_metadata = call.initial_metadata();
  context.trailing_metadata = call.trailing_metadata();
  context.peer_name = call.peer_name();
}

// Drives the loop until `waiter` is done, then passes the lead on.
void BlockingClient::lead(std::unique_lock<std::mutex>& lock, Waiter& waiter) {
  while (!waiter.done_) {
    lock.unlock();
    loop_->run_once(kNever);
    lock.lock();
  }
  led_ = false;
  if (followers_ != nullptr) followers_->wake_.notify_one();
}

void BlockingClient::follow(std::unique_lock<std::mutex>& lock, Waiter& waiter) {
  waiter.next_ = followers_;
  followers_ = &waiter;
  waiter.wake_.wait(lock, [&] { return waiter.done_ || !led_; });
  unlist(waiter);
  if (waiter.done_) {
    // The lead may have been offered to this thread just as its call ended.
    if (!led_ && followers_ != nullptr) followers_->wake_.notify_one();
    return;
  }
  led_ = true;
  lead(lock, waiter);
}

void BlockingClient::unlist(Waiter& waiter) {
  Waiter** at = &followers_;
  while (*at != &waiter) at = &(*at)->next_;
  *at = waiter.next_;
}

void BlockingClient::Waiter::done() {
  const std::lock_guard lock(client_->mutex_);
  done_ = true;
  wake_.notify_one();
}

}  // namespace saker::rpc
