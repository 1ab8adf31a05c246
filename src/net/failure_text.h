// What an error of the network means to the person who sees it: one wording for one cause, whatever
// the transport calls it. VSOCK says ECONNRESET where TCP says ECONNREFUSED
// (net/vmw_vsock/af_vsock.c). Pure.
#pragma once

#include <string>
#include <string_view>

#include "saker/base/bytes.h"
#include "saker/net/address.h"

namespace saker::net {

// "nobody listens there (Connection refused)". `system_error` as connect() or SO_ERROR gave it.
std::string connect_error_text(Transport transport, int system_error);

// Why a stream ended. Whether a peer that goes away is seen as an end, a reset or a broken pipe
// depends on the transport and on what was under way, so all three are one.
std::string end_text(int system_error);

// ---- TLS and plain text taken for each other; `first`: the first bytes of the peer

// They begin a TLS record of a handshake, or an alert (RFC 8446 section 5.1).
bool begins_tls(Bytes first);
// What a peer speaks that should speak TLS: "the server speaks HTTP/2 without TLS".
std::string not_tls_text(std::string_view peer, Bytes first);
// What a peer speaks, at an end without TLS, whose first bytes begin TLS.
std::string unexpected_tls_text(std::string_view peer);

}  // namespace saker::net
