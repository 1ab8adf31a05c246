// reaches(): whether connections to one address arrive at a listener of this machine: whoever relays
// must not relay to himself. Looks at addresses only: names but localhost are not looked up.
#pragma once

#include "saker/net/address.h"

namespace saker::app {

// `listener`: as bound, so with numbers for names and the real port.
bool reaches(const net::Address& target, const net::Address& listener);

}  // namespace saker::app
