// Status details: google.rpc.Status, which gRPC sends in grpc-status-details-bin beside code and
// message (googleapis: google/rpc/status.proto). Knows its wire format and not its generated class,
// so that this library needs none. Values only: any thread.
#pragma once

#include <google/protobuf/message.h>

#include <initializer_list>
#include <string>

#include "saker/grpc/status.h"

namespace saker::rpc {

// A status with `details`, each of which becomes a google.protobuf.Any, in this order:
//
//   google::rpc::BadRequest bad;
//   …
//   return rpc::make_status(grpc::StatusCode::kInvalidArgument, "no such key", {&bad});
//
// All of it goes into the trailers, which peers limit, often to 8 KiB: keep it short.
grpc::Status make_status(grpc::StatusCode code, std::string message,
                         std::initializer_list<const google::protobuf::Message*> details);

// What a google.rpc.Status says. A code that is none becomes UNKNOWN.
template <typename RpcStatus>
grpc::Status status_from(const RpcStatus& status) {
  const bool is_code = status.code() >= 0 && status.code() < int{grpc::kStatusCodeCount};
  const auto code =
      is_code ? static_cast<grpc::StatusCode>(status.code()) : grpc::StatusCode::kUnknown;
  return {code, status.message(), status.SerializeAsString()};
}

// The google.rpc.Status of a call that ended; false where it came with none, or with bytes that are
// none.
template <typename RpcStatus>
bool parse_details(const grpc::Status& status, RpcStatus& out) {
  return !status.details_bin.empty() && out.ParseFromString(status.details_bin);
}

}  // namespace saker::rpc
