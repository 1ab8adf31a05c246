// Stream: one HTTP/2 stream's state (RFC 9113 section 5.1). Idle and closed streams have no object:
// an id above the highest seen is idle, one below and not in the map is closed.
//
//                  HEADERS                    END_STREAM from the peer
//        (idle) ───────────▶ open ─────────────────────────────▶ half-closed (remote)
//                             │  END_STREAM from us                        │ END_STREAM from us
//                             ▼                                            ▼
//                       half-closed (local) ──────────────────────────▶ closed
//                                     END_STREAM from the peer      (RST_STREAM: from anywhere)
//
// Only Connection writes to these fields; the visitor owns `user` and may read the rest. A stream
// is valid from its first event until on_stream_closed() returns.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "saker/base/chunk.h"
#include "saker/base/intrusive_list.h"
#include "saker/base/time.h"
#include "saker/h2/window.h"
#include "saker/hpack/encoder.h"

namespace saker::h2 {

struct SendQueueTag;

// Trailers that wait behind data: kept as text,
// because a header block once encoded has to be sent at once.
struct DeferredTrailers {
  std::vector<std::pair<std::string, std::string>> fields;
};

struct Stream : ListHook<SendQueueTag> {
  explicit Stream(ChunkPool& pool) : pending(pool) {}

  StreamId id = 0;
  bool recv_closed = false;    // END_STREAM seen
  bool send_closed = false;    // END_STREAM sent
  bool head_received = false;  // the request or the final response head
  bool head_sent = false;
  // Give window back as DATA arrives; false: Connection::consume() does.
  bool credit_on_receipt = true;
  bool pending_end = false;  // END_STREAM follows the pending data
  bool stalled = false;      // data is pending, and no window of the stream's own for it
  // The visitor's: the rest of a message that it takes whole, so that no window need interrupt it.
  uint32_t expected_bytes = 0;
  int64_t content_remaining = -1;  // declared content-length not yet received; -1: none declared
  SendWindow send_window;
  ReceiveWindow recv_window;
  Time opened_at{};
  Time stalled_since = kNever;  // from when all that was sent had been written
  ChunkQueue pending;           // DATA payload that waits for window or turn
  std::unique_ptr<DeferredTrailers> trailers;
  void* user = nullptr;  // the visitor's

  bool sending() const { return !pending.empty() || pending_end; }

  void reset(StreamId new_id, uint32_t send_window_bytes, ReceiveWindow receive_window, Time now) {
    id = new_id;
    recv_closed = send_closed = head_received = head_sent = pending_end = stalled = false;
    credit_on_receipt = true;
    expected_bytes = 0;
    content_remaining = -1;
    send_window = SendWindow(send_window_bytes);
    recv_window = receive_window;
    opened_at = now;
    stalled_since = kNever;
    user = nullptr;
  }
};

}  // namespace saker::h2
