#include "interop_session.h"

namespace saker::app {
namespace {

// A thousand large replies may arrive at once.
constexpr size_t kClientMemoryBytes = 512 << 20;

}  // namespace

Result<std::unique_ptr<InteropSession>> InteropSession::make(const InteropOptions& options) {
  auto loop = net::make_epoll_loop();
  if (!loop) return std::unexpected(loop.error());
  return std::unique_ptr<InteropSession>(new InteropSession(options, *std::move(loop)));
}

InteropSession::InteropSession(const InteropOptions& options, std::unique_ptr<net::Loop> loop)
    : options_(options), loop_(std::move(loop)) {
  replace_channel();
}

void InteropSession::replace_channel() {
  channel_.reset();
  rpc::ChannelOptions channel = options_.channel;
  channel.max_connection_memory_bytes = kClientMemoryBytes;
  channel_ = std::make_unique<rpc::Channel>(*loop_, options_.target, channel);
}

rpc::CallOptions InteropSession::call_options() const {
  rpc::CallOptions options;
  options.deadline = time_after(loop_->read_clock(), options_.deadline);
  return options;
}

// Calls have deadlines, so that this ends.
void InteropSession::run_until(const std::function<bool()>& done) {
  while (!done()) loop_->run_once(kNever);
}

}  // namespace saker::app
