// What a TlsStream may be told.
#pragma once

#include <chrono>

#include "saker/base/time.h"

namespace saker::net {

struct TlsStreamOptions {
  Duration handshake_timeout = std::chrono::seconds(10);  // limit: from start() to its end
};

}  // namespace saker::net
