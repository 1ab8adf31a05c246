#include "connection_rules.h"

#include <algorithm>

namespace saker::simulation {
namespace {

// The sender's window is what the receiver has told it, and all that was received has been given back.
std::string window_difference(const char* direction, const h2::Connection& sender,
                              const h2::Connection& receiver) {
  const int64_t may_send = sender.send_window().value();
  const h2::ReceiveWindow& window = receiver.receive_window();
  if (may_send != int64_t{window.available()}) {
    return std::string(direction) + ": a window of " + std::to_string(may_send) +
           " bytes where the receiver allows " + std::to_string(window.available());
  }
  if (window.available() + window.unannounced() != window.target()) {
    return std::string(direction) + ": " + std::to_string(window.available()) + " and " +
           std::to_string(window.unannounced()) + " bytes of a window of " +
           std::to_string(window.target());
  }
  return {};
}

std::string table_difference(const char* direction, const h2::Connection& sender,
                             const h2::Connection& receiver) {
  const size_t sent = sender.encoder().table_bytes();
  const size_t received = receiver.decoder().table_bytes();
  if (sent == received) return {};
  return std::string(direction) + ": an HPACK table of " + std::to_string(sent) +
         " bytes, and the decoder's is of " + std::to_string(received);
}

}  // namespace

void ConnectionCounts::add(const ConnectionCounts& other) {
  weighed += other.weighed;
  most_bytes = std::max(most_bytes, other.most_bytes);
  fullest = std::max(fullest, other.fullest);
  compared += other.compared;
}

size_t memory_limit(const rpc::ServerOptions& options, uint64_t calls) {
  constexpr size_t kFixedBytes = 160 * 1024;
  constexpr size_t kCallBytes = 3 * 1024;
  constexpr size_t kReadBytes = 256 * 1024;
  const size_t unpacked = options.max_receive_message_bytes + 300 * 1024;
  const h2::ConnectionOptions& connection = options.connection;
  const size_t under_way =
      std::max(connection.max_window_bytes, connection.initial_connection_window_bytes);
  return kFixedBytes + calls * kCallBytes + connection.output_cap_bytes +
         2 * size_t{options.max_send_message_bytes} + connection.max_unsent_bytes +
         options.max_connection_memory_bytes + kReadBytes + unpacked + connection.max_unread_bytes +
         under_way;
}

bool is_at_rest(const h2::Connection& engine) {
  return engine.alive() && engine.peer_settings_received() && !engine.wants_write() &&
         engine.open_streams() == 0;
}

std::string difference_of(const h2::Connection& client, const h2::Connection& server) {
  std::string found = window_difference("to the server", client, server);
  if (found.empty()) found = window_difference("to the client", server, client);
  if (found.empty()) found = table_difference("to the server", client, server);
  if (found.empty()) found = table_difference("to the client", server, client);
  return found;
}

}  // namespace saker::simulation
