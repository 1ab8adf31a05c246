// Stream: a connected byte stream of any transport, seen by one loop. What every back end promises:
//   - Received bytes are lent: on_data(bytes) may read them until it returns, not after.
//   - submit(chunks) takes the chunks and owns them until on_sent(). One submit is in flight at a
//     time. It never completes inside submit(): on_sent() comes later in the same turn
//     at the earliest.
//   - on_end() is the last event, exactly once, unless close() came first.
//     No event comes after close().
//   - Nothing here may be called from another thread than the loop's.
// Deliberately unknown here: HTTP/2, what the bytes mean. TLS is one more Stream (tls_stream.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "saker/base/bytes.h"
#include "saker/base/chunk.h"
#include "saker/base/result.h"
#include "saker/net/address.h"
#include "saker/tls/identity.h"

namespace saker::net {

// Who is at the other end, as far as the kernel says, and its certificate.
struct Peer {
  Transport transport = Transport::kTcp;
  // "ipv4:127.0.0.1:50222", "ipv6:[::1]:50222", "unix:/path" ("unix:" unnamed), "vsock:42:1157".
  std::string name{};
  uint32_t cid = 0;  // VSOCK: names the VM, not the process in it
  int64_t uid = -1;  // Unix: SO_PEERCRED, else -1
  int64_t gid = -1;
  int64_t pid = -1;
  bool is_local = false;  // loopback, Unix, or VSOCK CID 1
  bool is_tls = false;
  // TLS: what its certificate proves, once the handshake is done; null without a verified one. Lives
  // as long as the stream.
  const tls::PeerIdentity* identity = nullptr;
};

class StreamEvents {
 public:
  virtual void on_data(Bytes bytes) = 0;
  virtual void on_sent() = 0;
  // The peer closed its side (error.system_error == 0) or the stream broke.
  virtual void on_end(const Error& error) = 0;

 protected:
  ~StreamEvents() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;  // closes

  // Events flow from here on; call once.
  virtual void start(StreamEvents& events) = 0;
  // Requires !write_in_flight() and !chunks.empty(). Chunks come from the loop's pool.
  virtual void submit(ChunkQueue&& chunks) = 0;
  virtual bool write_in_flight() const = 0;
  // Of the submit in flight: what has not left yet. Shrinks as the peer makes room.
  virtual size_t unsent_bytes() const = 0;
  // While paused, no on_data() (and end of stream stays unseen;
  // a broken stream is still reported). Starts unpaused.
  virtual void pause_reading(bool paused) = 0;
  // No events from now on; unsent bytes are dropped, what the kernel took is still sent. May be
  // called inside an event.
  virtual void close() = 0;

  virtual const Peer& peer() const = 0;
  virtual size_t memory_bytes() const = 0;  // user memory behind this stream, for accounting
};

}  // namespace saker::net
