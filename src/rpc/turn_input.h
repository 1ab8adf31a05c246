// TurnInput: what a server's connection takes from its client in one turn of the loop. A read is up to
// 256 KiB, of frames of nine bytes and of messages that unpack to a thousand times as much, and while one
// connection handles its own, the others of its loop wait. So its part of a turn ends after so many units
// of work, or bytes of messages; the rest of the read waits here, with reading paused, and the connection
// takes its turns between the others'.
#pragma once

#include <algorithm>
#include <memory>

#include "saker/base/chunk.h"
#include "saker/h2/connection.h"
#include "saker/rpc/server_options.h"

namespace saker::rpc {

class TurnInput {
 public:
  explicit TurnInput(const TurnLimits& limits) : limits_(limits) { begin(0); }

  // Before anything else of the loop's turn of that number. False: it had begun.
  bool begin(uint64_t turn) {
    if (turn == turn_) return false;
    turn_ = turn;
    work_ = limits_.work;
    bytes_ = limits_.message_bytes;
    return true;
  }
  // What has just been received; requires !has_rest().
  void take(h2::Connection& engine, Bytes bytes, ChunkPool& chunks, Time now) {
    if (!has_enough()) [[likely]]
      bytes = bytes.last(handle(engine, bytes, now));
    if (bytes.empty() || !engine.alive()) [[likely]]
      return;
    rest_ = std::make_unique<ChunkQueue>(chunks);
    rest_->append(bytes);
  }
  // Of the rest, as far as its first chunk goes; requires has_rest().
  void take_rest(h2::Connection& engine, Time now) {
    const Bytes piece = rest_->front()->bytes();
    rest_->consume(piece.size() - handle(engine, piece, now));
    if (rest_->empty() || !engine.alive()) rest_.reset();
  }
  bool has_rest() const { return rest_ != nullptr; }
  size_t memory_bytes() const { return has_rest() ? rest_->size() : 0; }

  // Of messages, or what takes as long.
  void count_bytes(h2::Connection& engine, size_t bytes) {
    bytes_ -= std::min(bytes_, bytes);
    if (bytes_ == 0) engine.stop_input();
  }
  size_t bytes_left() const { return bytes_; }
  const TurnLimits& limits() const { return limits_; }
  // Until the next turn begins.
  bool has_enough() const { return work_ == 0 || bytes_ == 0; }

 private:
  // How many bytes are left.
  size_t handle(h2::Connection& engine, Bytes bytes, Time now) {
    engine.handle_input(bytes, now, work_);
    work_ = engine.work_left();
    return engine.input_left();
  }

  const TurnLimits limits_;
  uint64_t turn_ = UINT64_MAX;
  uint32_t work_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<ChunkQueue> rest_;
};

}  // namespace saker::rpc
