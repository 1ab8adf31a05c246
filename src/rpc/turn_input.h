// TurnInput: what a server's connection takes from its client in one turn. A read is up to 256 KiB, of
// frames of nine bytes and of messages that unpack to a thousand times as much, and while one connection
// handles its own, the others of its loop wait. So a turn ends after kWorkPerTurn, or once it has unpacked
// kUnpackedPerTurn; the rest of the read waits here, with reading paused, and the connection takes its
// turns between the others'.
#pragma once

#include <memory>

#include "saker/base/bytes.h"
#include "saker/base/chunk.h"
#include "saker/base/time.h"
#include "saker/h2/connection.h"

namespace saker::rpc {

class TurnInput {
 public:
  static constexpr uint32_t kWorkPerTurn = 512;        // units of Connection::handle_input()
  static constexpr size_t kUnpackedPerTurn = 1 << 18;  // and what the last message has above it
  static constexpr size_t kMessageCost = 1024;  // in bytes unpacked, of one that is not packed

  // What has just been received; requires !has_rest().
  void take(h2::Connection& engine, Bytes bytes, ChunkPool& chunks, Time now) {
    engine.handle_input(bytes, now, kWorkPerTurn);
    has_taken_ = true;
    if (engine.input_left() == 0) [[likely]]
      return;
    rest_ = std::make_unique<ChunkQueue>(chunks);
    rest_->append(bytes.last(engine.input_left()));
  }
  // Of the rest, as far as its first chunk goes; requires has_rest().
  void take_rest(h2::Connection& engine, Time now) {
    const Bytes piece = rest_->front()->bytes();
    const bool alive = engine.handle_input(piece, now, kWorkPerTurn);
    has_taken_ = true;
    rest_->consume(piece.size() - engine.input_left());
    if (rest_->empty() || !alive) rest_.reset();
  }
  bool has_rest() const { return rest_ != nullptr; }
  size_t memory_bytes() const { return has_rest() ? rest_->size() : 0; }

  void note_unpacked(h2::Connection& engine, size_t bytes) {
    unpacked_ += bytes;
    if (has_enough()) engine.stop_input();
  }
  bool has_enough() const { return unpacked_ >= kUnpackedPerTurn; }
  bool has_taken() const { return has_taken_; }
  void end_turn() {
    unpacked_ = 0;
    has_taken_ = false;
  }

 private:
  std::unique_ptr<ChunkQueue> rest_;
  size_t unpacked_ = 0;  // in this turn
  bool has_taken_ = false;
};

}  // namespace saker::rpc
