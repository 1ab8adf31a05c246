// For tests of the engine: two engines and the wires between them, in memory.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "saker/tls/certificates_testing.h"
#include "saker/tls/engine.h"

namespace saker::tls::test {

inline std::string text_of(const ChunkQueue& queue) {
  std::string out(queue.size(), '\0');
  queue.copy_to({reinterpret_cast<uint8_t*>(out.data()), out.size()});
  return out;
}

// An engine, what it has to say, and the plaintext that it has got.
class Side {
 public:
  Side(ChunkPool& pool, const ServerContext& context) : engine(context), output(pool) {}
  Side(ChunkPool& pool, const ClientContext& context, const std::string& name,
       SessionCache* sessions = nullptr)
      : engine(context, name, sessions), output(pool) {}

  void receive(Bytes input) {
    std::vector<uint8_t> plain(Engine::kMaxRecordBytes * 2);
    if (engine.state() == State::kHandshake) engine.handshake(input, output);
    uint32_t records = UINT32_MAX;
    while (!input.empty() && engine.state() == State::kOpen) {
      received += as_text(Bytes(plain).first(engine.read(input, plain, output, records)));
    }
  }
  std::string take_output() {
    std::string out = text_of(output);
    output.clear();
    return out;
  }
  void send(std::string_view bytes, size_t max_bytes = SIZE_MAX) {
    ChunkQueue plain(output.pool());
    plain.append(as_bytes(bytes));
    while (!plain.empty() && engine.state() != State::kFailed) {
      engine.write(plain, max_bytes, output);
    }
  }

  Engine engine;
  ChunkQueue output;
  std::string received;
};

// Client and server, joined.
class Pair {
 public:
  explicit Pair(const Contexts& contexts = make_contexts(), const std::string& name = "localhost",
                SessionCache* sessions = nullptr)
      : client(pool, contexts.client, name, sessions), server(pool, contexts.server) {}

  // Everything that both have to say, in pieces of `piece` bytes.
  void exchange(size_t piece = SIZE_MAX) {
    if (client.engine.state() == State::kHandshake) client.receive({});
    while (carry(client, server, piece) | carry(server, client, piece)) {
    }
  }
  bool is_open() const {
    return client.engine.state() == State::kOpen && server.engine.state() == State::kOpen;
  }

  ChunkPool pool;
  Side client;
  Side server;

 private:
  static bool carry(Side& from, Side& to, size_t piece) {
    const std::string bytes = from.take_output();
    for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
      to.receive(as_bytes(std::string_view(bytes).substr(at, piece)));
    }
    return !bytes.empty();
  }
};

}  // namespace saker::tls::test
