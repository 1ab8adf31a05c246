#include "saker/tls/session_cache.h"

#include <openssl/ssl.h>

namespace saker::tls {

SessionCache::~SessionCache() {
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
}

void SessionCache::put(SSL_SESSION* session) {
  if (sessions_.size() == kMaxSessions) {
    SSL_SESSION_free(sessions_.front());
    sessions_.pop_front();
  }
  sessions_.push_back(session);
}

SSL_SESSION* SessionCache::take() {
  while (!sessions_.empty()) {
    SSL_SESSION* session = sessions_.back();
    sessions_.pop_back();
    if (SSL_SESSION_is_resumable(session) == 1) {
      const bool is_reusable = SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION;
      if (is_reusable && SSL_SESSION_up_ref(session) == 1) sessions_.push_back(session);
      return session;
    }
    SSL_SESSION_free(session);
  }
  return nullptr;
}

}  // namespace saker::tls
