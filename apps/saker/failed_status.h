// What is said of a call that failed: code, message and the details that came with it.
#pragma once

#include <string>

#include "message_coder.h"
#include "saker/grpc/status.h"

namespace saker::app {

// "saker: NOT_FOUND: no such key" and a line or more for each detail of grpc-status-details-bin, in
// JSON: types of google/rpc/error_details.proto, those of `schema`, and of others their bytes.
std::string format_failure(const grpc::Status& status, const Schema& schema);

}  // namespace saker::app
