// Workload: what the load generator sends and how it knows that an answer is right.
// A workload is a type with
//   Request, Reply, method(), begin(Request&) once per call object,
//   prepare(Request&, sequence, wall_ns) before each call,
//   and a class Checker, one a thread, made of the workload,
//   with check(const Request&, const Reply&): null, or what is wrong.
// It may have figures of its own: Checker's record(const Request&, latency, good) hears of each
// measured call, and add_to(Report&, checkers) puts the sums into the report.
#pragma once

#include <cstdint>
#include <string>

#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/client_method.h"

namespace saker::app {

// Echo: every byte, the sequence, and the server's times are checked.
class EchoWorkload {
 public:
  using Request = echo::v1::EchoRequest;
  using Reply = echo::v1::EchoReply;

  explicit EchoWorkload(size_t payload_bytes);

  static const rpc::ClientMethod& method();
  void begin(Request& request) const { request.set_payload(payload_); }
  void prepare(Request& request, uint64_t sequence, int64_t wall_ns) const {
    request.set_sequence(sequence);
    request.set_client_send_time_ns(static_cast<uint64_t>(wall_ns));
  }
  // One thread's.
  class Checker {
   public:
    explicit Checker(const EchoWorkload&) {}
    static const char* check(const Request& request, const Reply& reply) {
      return EchoWorkload::check(request, reply);
    }
  };

 private:
  static const char* check(const Request& request, const Reply& reply) {
    if (reply.sequence() != request.sequence()) return "another sequence";
    if (reply.client_send_time_ns() != request.client_send_time_ns()) return "another send time";
    if (reply.server_send_time_ns() < reply.server_receive_time_ns()) return "sent before received";
    if (reply.server_receive_time_ns() + reply.processing_ns() != reply.server_send_time_ns()) {
      return "times that do not add up";
    }
    return reply.payload() == request.payload() ? nullptr : "another payload";
  }

  std::string payload_;
};

}  // namespace saker::app
