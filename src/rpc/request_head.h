// RequestHead: what a server wants to know of a request's header fields (gRPC PROTOCOL-HTTP2.md,
// "Requests"). Reads, and judges nothing but values that have a grammar. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "saker/base/time.h"
#include "saker/grpc/compression.h"
#include "saker/hpack/field.h"

namespace saker::rpc {

struct RequestHead {
  std::string_view path;  // points into the fields
  bool is_post = false;
  bool is_grpc = false;  // by its content-type
  bool bad_timeout = false;
  bool has_metadata = false;  // fields that are the application's
  Time deadline = kNever;
  std::optional<grpc::Compression> encoding = grpc::Compression::kIdentity;  // nothing: unknown
  grpc::CompressionSet accepted{};
};

// `now`: when the head came, from which its timeout counts.
RequestHead read_request_head(std::span<const hpack::Field> fields, Time now);

}  // namespace saker::rpc
