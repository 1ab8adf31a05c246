// libnghttp2 as the other side: a session in memory that records what each stream
// received and serves bodies.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>

#include "saker/h2/h2_testing.h"

namespace saker::h2 {

class NgSession {
 public:
  struct NgStream {
    std::map<std::string, std::string> fields;
    std::string received;
    std::string body;  // what we send; the session reads it as windows allow
    size_t sent = 0;
    bool trailers = false;  // send them behind the body
    bool ended = false;     // END_STREAM arrived
    bool closed = false;
    uint32_t error = 0;
  };

  explicit NgSession(Role role);

  // False: the session is over; it may still have something to say.
  bool recv(Bytes bytes);
  ByteVector take();
  StreamId request(const std::string& path, std::string body);
  void respond(StreamId id, std::string body, bool trailers);

  std::map<StreamId, NgStream> streams;
  nghttp2_session* session() { return session_.get(); }

 private:
  struct Delete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  std::unique_ptr<nghttp2_session, Delete> session_;
};

}  // namespace saker::h2
