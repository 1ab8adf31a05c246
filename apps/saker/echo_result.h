// What came of each echo, and how it is shown: to people line by line as it comes, to programs as
// one JSON document at the end. Knows no connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "echo_options.h"
#include "saker/base/time.h"
#include "saker/grpc/status.h"
#include "saker/rpc/channel.h"

namespace saker::app {

struct EchoResult {
  uint64_t sequence = 0;
  grpc::Status status;
  uint64_t reply_bytes = 0;  // of payload
  bool wrong = false;        // status OK, but not what was sent
  Duration total{};          // from send to receipt
  Duration server{};         // from receipt to reply, as the server says
  uint64_t client_send_time_ns = 0;
  uint64_t server_receive_time_ns = 0;
  uint64_t server_send_time_ns = 0;
  std::string peer;

  bool ok() const { return status.ok() && !wrong; }
  Duration network() const { return total - server; }
};

std::string format_echo(const EchoOptions& options, const EchoResult& result);
// Counts, min, p50 and max of the times, and where there are several backends what each was sent.
std::string format_summary(const std::vector<EchoResult>& results,
                           const std::vector<rpc::BackendCalls>& backends);
std::string format_json(const EchoOptions& options, const std::vector<EchoResult>& results,
                        const std::vector<rpc::BackendCalls>& backends);

}  // namespace saker::app
