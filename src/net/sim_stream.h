// SimStream: one end of a simulated connection. Holds its driver to the contract of Stream:
// received bytes are lent from a block of exactly their size that is overwritten and freed right
// after on_data(), a write may complete long after submit(), and every size of read happens.
#pragma once

#include "saker/net/sim_loop.h"
#include "saker/net/stream.h"

namespace saker::net {

class SimStream final : public Stream, private SimReady, private TurnTask {
 public:
  SimStream(SimLoop& loop, uint64_t connection, int end, Peer peer);
  ~SimStream() override { close(); }

  void start(StreamEvents& events) override;
  void submit(ChunkQueue&& chunks) override;
  bool write_in_flight() const override { return in_flight_; }
  size_t unsent_bytes() const override { return unsent_.size(); }
  void pause_reading(bool paused) override;
  void close() override;
  const Peer& peer() const override { return peer_; }
  size_t memory_bytes() const override;

  // For SimNetwork.
  ChunkQueue& unsent() { return unsent_; }
  void complete_write();
  void mark_ready() { loop_.mark_ready(*this); }

 private:
  void run_ready() override;
  void run_at_turn_end() override;
  void deliver(SimNetwork::End& side);
  void end(int error);

  SimLoop& loop_;
  uint64_t connection_;
  int end_;
  StreamEvents* events_ = nullptr;
  bool is_paused_ = false;
  bool in_flight_ = false;
  bool sent_ = false;
  bool ended_ = false;
  bool closed_ = false;
  ChunkQueue unsent_;
  Peer peer_;
};

}  // namespace saker::net
