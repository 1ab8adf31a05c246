// EpollStream: a Stream over a connected stream socket of any family. Level-triggered: one recv per
// readiness, into the loop's buffer. Writing tries at once and waits for EPOLLOUT only when the
// kernel's buffer is full.
//
//   open ──recv: 0──▶ ended: on_end(0)
//    │ └───recv: error──▶ ended: on_end(errno)
//    └─send: error─▶ broken ──what the peer had sent is read──▶ ended: on_end(errno of the send)
//
// After on_end() a stream may still be written to, for the peer that only closed its own direction:
// what the kernel takes at once is sent, the rest is dropped, and no event comes.
#pragma once

#include "saker/net/descriptor.h"
#include "saker/net/epoll_loop.h"
#include "saker/net/stream.h"

namespace saker::net {

class EpollStream final : public Stream, private EpollSource, private TurnTask {
 public:
  EpollStream(EpollLoop& loop, Descriptor fd, Peer peer);
  ~EpollStream() override { close(); }

  void start(StreamEvents& events) override;
  void submit(ChunkQueue&& chunks) override;
  bool write_in_flight() const override { return in_flight_; }
  size_t unsent_bytes() const override { return unsent_.size(); }
  void pause_reading(bool paused) override;
  void close() override;
  const Peer& peer() const override { return peer_; }
  size_t memory_bytes() const override;
  // The connected descriptor, of a stream that has not been started; the stream is closed to all
  // intents.
  Descriptor release();

 private:
  void on_ready(uint32_t events) override;
  void run_at_turn_end() override;

  void send_pending();
  void receive(uint32_t events);
  void handle_hangup_while_paused();
  void read_what_is_left();
  void break_write(int system_error);
  void discard_unread();
  void end(Error error);
  void update_interest();
  bool is_open() const { return events_ != nullptr; }

  EpollLoop& loop_;
  StreamEvents* events_ = nullptr;  // nullptr: not started, ended or closed
  Descriptor fd_;
  uint32_t interest_ = 0;
  bool is_watched_ = false;
  bool is_paused_ = false;
  bool is_blocked_ = false;  // the kernel's send buffer is full
  bool in_flight_ = false;   // submitted, on_sent() not delivered yet
  bool sent_ = false;        // all taken by the kernel
  bool ended_ = false;
  int reads_left_ = 0;  // once a write has failed
  int write_error_ = 0;
  ChunkQueue unsent_;
  Peer peer_;
};

}  // namespace saker::net
