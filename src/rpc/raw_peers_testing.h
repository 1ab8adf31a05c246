// Peers of nothing but frames, in the simulator: a RawClient that a real server answers, a RawServer
// that real calls are answered by. What a test says is what is on the wire, right or wrong.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "saker/grpc/message.h"
#include "saker/h2/connection.h"
#include "saker/h2/frames_testing.h"
#include "saker/rpc/rpc_testing.h"

namespace saker::rpc {

// A length-prefixed message; `flag`: of the prefix.
inline std::string framed(std::string_view message, uint8_t flag = 0) {
  uint8_t prefix[grpc::kMessagePrefixBytes];
  grpc::write_message_prefix(prefix, false, static_cast<uint32_t>(message.size()));
  prefix[0] = flag;
  return std::string(reinterpret_cast<const char*>(prefix), sizeof prefix).append(message);
}

// One end of a connection that speaks frames.
class RawEnd : private net::StreamEvents {
 public:
  RawEnd(net::SimNetwork& network, net::SimLoop& loop) : network_(network), loop_(loop) {}

  // Frames to send; send() hands them over.
  h2::Peer peer;
  void send() {
    const h2::ByteVector bytes = peer.take();
    if (bytes.empty() || stream_ == nullptr) return;
    ASSERT_TRUE(network_.run_until([&] { return !stream_->write_in_flight(); }, 1s));
    ChunkQueue out(loop_.chunks());
    out.append(bytes);
    stream_->submit(std::move(out));
  }
  // Sends, lets `time` pass, and tells what has come meanwhile, without SETTINGS, WINDOW_UPDATE and
  // the PINGs that measure bandwidth.
  h2::Lines exchange(Duration time = 20ms) {
    send();
    network_.run_until([] { return false; }, time);
    h2::Lines lines;
    for (std::string& line : reader_->describe(as_bytes(std::exchange(received_, {})))) {
      const bool is_noise = line.starts_with("SETTINGS") || line.starts_with("WINDOW_UPDATE") ||
                            line.starts_with("PREFACE") ||
                            line == "PING " + std::to_string(kBdpPing);
      if (!is_noise) lines.push_back(std::move(line));
    }
    return lines;
  }
  bool connected() const { return stream_ != nullptr; }
  void pause_reading(bool paused) { stream_->pause_reading(paused); }
  // Since the last exchange().
  size_t received_bytes() const { return received_.size(); }
  bool closed_by_peer() const { return ended_; }
  void close() { stream_.reset(); }

 protected:
  ~RawEnd() = default;
  static constexpr uint64_t kBdpPing = 0x73616b65'72626470;  // "sakerbdp"

  void begin(std::unique_ptr<net::Stream> stream) {
    stream_ = std::move(stream);
    reader_.emplace();
    received_.clear();
    stream_->start(*this);
  }
  net::SimNetwork& network_;
  net::SimLoop& loop_;

 private:
  void on_data(Bytes bytes) override { received_.append(as_text(bytes)); }
  void on_sent() override {}
  void on_end(const Error&) override { ended_ = true; }

  std::unique_ptr<net::Stream> stream_;
  std::optional<h2::FrameReader> reader_{std::in_place};
  std::string received_;
  bool ended_ = false;
};

class RawClient final : public RawEnd, private net::ConnectEvents {
 public:
  // The server must be listening.
  explicit RawClient(SimWorld& world) : RawEnd(world.network, world.client_loop) {
    attempt_ = loop_.connect(*net::parse_address("memory://server"), {}, *this);
    EXPECT_TRUE(network_.run_until([&] { return connected(); }, 1s));
    peer.preface().settings().settings_ack();
    exchange();
  }

 private:
  void on_connect(Result<std::unique_ptr<net::Stream>> result) override {
    ASSERT_TRUE(result) << result.error().message;
    begin(*std::move(result));
  }
  std::unique_ptr<net::ConnectAttempt> attempt_;
};

// Takes one connection at a time, at memory://server.
class RawServer final : public RawEnd, private net::ListenerEvents {
 public:
  RawServer(net::SimNetwork& network, net::SimLoop& loop) : RawEnd(network, loop) {
    listener_ = *loop.listen(*net::parse_address("memory://server"), {}, *this);
  }
  void stop_listening() { listener_.reset(); }
  bool goes_away = false;  // as soon as somebody connects
  int connections = 0;     // so far

 private:
  void on_accept(net::Accepted accepted) override {
    ++connections;
    begin(*loop_.adopt(std::move(accepted)));
    peer.settings().settings_ack();
    if (goes_away) peer.goaway(0, h2::ErrorCode::kNoError);
    send();
  }
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace saker::rpc
