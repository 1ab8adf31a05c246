#include "client_session.h"

#include <algorithm>

namespace saker::app {
namespace {

rpc::ChannelOptions channel_options(const ClientOptions& options) {
  rpc::ChannelOptions channel;
  channel.max_receive_message_bytes = static_cast<uint32_t>(options.max_receive_bytes);
  channel.max_connection_memory_bytes =
      std::max<size_t>(channel.max_connection_memory_bytes, 2 * options.max_receive_bytes);
  return channel;
}

}  // namespace

Result<std::unique_ptr<ClientSession>> ClientSession::make(const ClientOptions& options) {
  auto loop = net::make_epoll_loop();
  if (!loop) return std::unexpected(loop.error());
  return std::unique_ptr<ClientSession>(new ClientSession(options, *std::move(loop)));
}

ClientSession::ClientSession(const ClientOptions& options, std::unique_ptr<net::Loop> loop)
    : options_(options),
      loop_(std::move(loop)),
      channel_(std::make_unique<rpc::Channel>(*loop_, options.target, channel_options(options))) {}

rpc::CallOptions ClientSession::call_options() const {
  rpc::CallOptions call;
  if (options_.deadline != Duration::zero()) {
    call.deadline = time_after(loop_->read_clock(), options_.deadline);
  }
  call.wait_for_ready = options_.wait_for_ready;
  call.metadata = &options_.metadata;
  return call;
}

void ClientSession::interrupt() {
  interrupted_ = true;
  loop_->post(wake_);
}

}  // namespace saker::app
