#include "interop_cases.h"

#include <array>

namespace saker::app {
namespace {

constexpr std::array kCases = {
    InteropCase{"empty_unary", run_empty_unary},
    InteropCase{"large_unary", run_large_unary},
    InteropCase{"client_compressed_unary", run_client_compressed_unary},
    InteropCase{"server_compressed_unary", run_server_compressed_unary},
    InteropCase{"client_streaming", run_client_streaming},
    InteropCase{"client_compressed_streaming", run_client_compressed_streaming},
    InteropCase{"server_streaming", run_server_streaming},
    InteropCase{"server_compressed_streaming", run_server_compressed_streaming},
    InteropCase{"ping_pong", run_ping_pong},
    InteropCase{"empty_stream", run_empty_stream},
    InteropCase{"custom_metadata", run_custom_metadata},
    InteropCase{"status_code_and_message", run_status_code_and_message},
    InteropCase{"special_status_message", run_special_status_message},
    InteropCase{"unimplemented_method", run_unimplemented_method},
    InteropCase{"unimplemented_service", run_unimplemented_service},
    InteropCase{"cancel_after_begin", run_cancel_after_begin},
    InteropCase{"cancel_after_first_response", run_cancel_after_first_response},
    InteropCase{"timeout_on_sleeping_server", run_timeout_on_sleeping_server},
    InteropCase{"rpc_soak", run_rpc_soak},
    InteropCase{"channel_soak", run_channel_soak},
    InteropCase{"concurrent_large_unary", run_concurrent_large_unary},
};

}  // namespace

std::span<const InteropCase> interop_cases() {
  return kCases;
}

const InteropCase* find_interop_case(std::string_view name) {
  for (const InteropCase& each : kCases) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

}  // namespace saker::app
