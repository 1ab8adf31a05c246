#include "saker/net/sim_stream.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "saker/net/failure_text.h"

namespace saker::net {
namespace {

constexpr size_t kReadBytes = 256 * 1024;  // as EpollLoop's receive buffer
constexpr int kPoison = 0xDD;

}  // namespace

SimStream::SimStream(SimLoop& loop, uint64_t connection, int end, Peer peer)
    : loop_(loop),
      connection_(connection),
      end_(end),
      unsent_(loop.chunks()),
      peer_(std::move(peer)) {
  SimNetwork::End& side = loop_.network().find(connection_)->ends[end_];
  side.loop = &loop_;
  side.stream = this;
  loop_.count_connection(1);
}

void SimStream::start(StreamEvents& events) {
  SAKER_DCHECK(events_ == nullptr && !ended_ && !closed_);
  events_ = &events;
  mark_ready();
  if (sent_) loop_.at_turn_end(*this);
}

// Half of the writes complete within the turn, as they do on a socket
// with room; the network decides.
void SimStream::submit(ChunkQueue&& chunks) {
  SAKER_DCHECK(!in_flight_ && !chunks.empty());
  unsent_ = std::move(chunks);
  if (closed_) return unsent_.clear();
  SimNetwork& network = loop_.network();
  in_flight_ = !ended_;
  if (network.strikes(network.faults_.late_write, SimFault::kLateWrite)) {
    network.schedule(network.now() + network.latency(),
                     {SimNetwork::Kind::kTake, connection_, end_});
  } else if (network.take(connection_, end_)) {
    complete_write();
  }
}

void SimStream::complete_write() {
  sent_ = in_flight_;
  if (sent_ && events_ != nullptr) loop_.at_turn_end(*this);
}

void SimStream::run_at_turn_end() {
  sent_ = false;
  in_flight_ = false;
  events_->on_sent();
}

void SimStream::run_ready() {
  if (events_ == nullptr) return;
  SimNetwork::End& side = loop_.network().find(connection_)->ends[end_];
  const bool has_bytes = !side.inbox.empty() && !is_paused_;
  if (has_bytes) {
    if (!side.rests) deliver(side);
    return;
  }
  if (side.broken != 0) return end(side.broken);
  if (side.end_arrived && !is_paused_) end(0);
}

// Everything of this stream is done before on_data(), which may destroy it.
void SimStream::deliver(SimNetwork::End& side) {
  SimNetwork& network = loop_.network();
  size_t size = std::min(side.inbox.size(), kReadBytes);
  if (side.is_slow_reader) {
    size = std::min(size, network.faults_.slow_bytes);
    side.rests = true;
    network.schedule(network.now() + network.faults_.slow_pause,
                     {SimNetwork::Kind::kWake, connection_, end_});
  }
  if (network.strikes(network.faults_.short_read, SimFault::kShortRead)) {
    size = 1 + network.random_.below(size);
  }
  std::vector<uint8_t> lent(size);
  side.inbox.take(lent.data(), size);
  network.trace(size);
  network.handle_room(connection_, end_, size);
  const bool has_more = !side.inbox.empty() || side.end_arrived || side.broken != 0;
  if (has_more && !side.rests) mark_ready();
  events_->on_data(lent);
  std::memset(lent.data(), kPoison, lent.size());
}

void SimStream::end(int error) {
  const Error out{end_text(error), error};
  ended_ = true;
  in_flight_ = false;
  unsent_.clear();
  TurnTask::unlink();
  SimReady::unlink();
  std::exchange(events_, nullptr)->on_end(out);
}

void SimStream::pause_reading(bool paused) {
  is_paused_ = paused;
  if (events_ != nullptr) mark_ready();
}

void SimStream::close() {
  if (closed_) return;
  closed_ = true;
  events_ = nullptr;
  in_flight_ = false;
  unsent_.clear();
  TurnTask::unlink();
  SimReady::unlink();
  loop_.network().close_end(connection_, end_);
  loop_.count_connection(-1);
}

size_t SimStream::memory_bytes() const {
  return sizeof(*this) + peer_.name.capacity() + unsent_.size();
}

}  // namespace saker::net
