// The cases of gRPC's official interoperability tests (grpc/doc/interop-test-descriptions.md), one
// function each, in files by what they are about. A case makes its calls on the session's channel
// and answers with the first thing that is not as its description says.
#pragma once

#include <span>
#include <string_view>

#include "interop_session.h"

namespace saker::app {

struct InteropCase {
  std::string_view name;  // the official one
  Result<void> (*run)(InteropSession&);
};

std::span<const InteropCase> interop_cases();
const InteropCase* find_interop_case(std::string_view name);

// interop_messages.cc: payloads of all kinds of calls.
Result<void> run_empty_unary(InteropSession& session);
Result<void> run_large_unary(InteropSession& session);
Result<void> run_client_streaming(InteropSession& session);
Result<void> run_server_streaming(InteropSession& session);
Result<void> run_ping_pong(InteropSession& session);
Result<void> run_empty_stream(InteropSession& session);

// interop_compression.cc
Result<void> run_client_compressed_unary(InteropSession& session);
Result<void> run_server_compressed_unary(InteropSession& session);
Result<void> run_client_compressed_streaming(InteropSession& session);
Result<void> run_server_compressed_streaming(InteropSession& session);

// interop_status.cc: metadata, and calls that are to end with an error.
Result<void> run_custom_metadata(InteropSession& session);
Result<void> run_status_code_and_message(InteropSession& session);
Result<void> run_special_status_message(InteropSession& session);
Result<void> run_unimplemented_method(InteropSession& session);
Result<void> run_unimplemented_service(InteropSession& session);
Result<void> run_cancel_after_begin(InteropSession& session);
Result<void> run_cancel_after_first_response(InteropSession& session);
Result<void> run_timeout_on_sleeping_server(InteropSession& session);

// interop_soak.cc: many calls.
Result<void> run_rpc_soak(InteropSession& session);
Result<void> run_channel_soak(InteropSession& session);
Result<void> run_concurrent_large_unary(InteropSession& session);

}  // namespace saker::app
