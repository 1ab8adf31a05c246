// Percent-encoding of grpc-message (gRPC PROTOCOL-HTTP2.md "Responses", Percent-Encoded). Bytes in,
// bytes out: whether they are UTF-8 is not checked here, because a status message that is not must
// still arrive somehow. Values only: any thread.
#pragma once

#include <string>
#include <string_view>

namespace saker::grpc {

// True when `message` may stand in grpc-message as it is.
bool is_percent_clean(std::string_view message);

// Appends `message` encoded. Besides what the gRPC specification asks for, a space at either end is
// encoded, since a field value may neither start nor end with one (RFC 9113 section 8.2.1).
void append_percent_encoded(std::string_view message, std::string& out);

// Appends `value` decoded. Never fails: a % that is not followed
// by two hexadecimal digits stays as it is.
void append_percent_decoded(std::string_view value, std::string& out);

}  // namespace saker::grpc
