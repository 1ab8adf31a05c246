// SessionCache: the sessions that a client may resume with its server, newest last; one a channel.
// A TLS 1.3 ticket is used once (RFC 8446 appendix C.4), a TLS 1.2 session until it ends. Belongs to
// one loop.
#pragma once

#include <cstddef>
#include <deque>

struct ssl_session_st;

namespace saker::tls {

class SessionCache {
 public:
  static constexpr size_t kMaxSessions = 16;

  SessionCache() = default;
  ~SessionCache();
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  size_t size() const { return sessions_.size(); }

  // For the engine. Takes a reference over; the oldest makes way.
  void put(ssl_session_st* session);
  // A reference for the caller, or null.
  ssl_session_st* take();

 private:
  std::deque<ssl_session_st*> sessions_;
};

}  // namespace saker::tls
