#include "saker/net/transport_harness.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "saker/net/random.h"
#include "saker/net/socket_address.h"
#include "saker/net/socket_options.h"

namespace saker::net::test {

bool TestStream::send(std::string_view bytes) {
  if (stream_->write_in_flight() || end_count > 0) return false;
  ChunkQueue chunks(loop_.chunks());
  chunks.append(as_bytes(bytes));
  in_submit_ = true;
  stream_->submit(std::move(chunks));
  in_submit_ = false;
  EXPECT_TRUE(stream_->write_in_flight());
  return true;
}

void TestStream::echo() {
  is_echo_ = true;
}

void TestStream::echo_pending() {
  if (!is_echo_ || pending_.empty() || stream_->write_in_flight()) return;
  send(std::exchange(pending_, {}));
}

void TestStream::on_data(Bytes bytes) {
  EXPECT_FALSE(in_submit_);
  EXPECT_EQ(end_count, 0);
  EXPECT_FALSE(bytes.empty());
  received += as_text(bytes);
  if (is_echo_) pending_ += as_text(bytes);
  echo_pending();
  if (data_hook) data_hook();
}

void TestStream::on_sent() {
  EXPECT_FALSE(in_submit_);
  EXPECT_EQ(end_count, 0);
  EXPECT_FALSE(stream_->write_in_flight());
  ++sent_count;
  echo_pending();
  if (sent_hook) sent_hook();
}

void TestStream::on_end(const Error& reason) {
  EXPECT_FALSE(in_submit_);
  ++end_count;
  error = reason;
  EXPECT_EQ(end_count, 1);
  if (end_hook) end_hook();
}

void TestListener::on_accept(Accepted accepted) {
  peers.push_back(accepted.peer);
  if (instead) return instead(std::move(accepted));
  auto stream = loop_.adopt(std::move(accepted));
  ASSERT_TRUE(stream) << stream.error().message;
  if (wrap_) *stream = wrap_(std::move(*stream));
  streams.push_back(std::make_unique<TestStream>(loop_, std::move(*stream)));
  setup(*streams.back());
}

void TestConnect::on_connect(Result<std::unique_ptr<Stream>> result) {
  ++count;
  was_early = is_in_connect_;
  if (result) {
    if (wrap_) *result = wrap_(std::move(*result));
    stream = std::make_unique<TestStream>(loop_, std::move(*result));
  } else {
    error = result.error();
  }
  if (hook) hook();
}

WrapStream World::wrap_server() {
  if (server_tls() == nullptr) return {};
  return [this](std::unique_ptr<Stream> stream) {
    return std::make_unique<TlsStream>(server(), std::move(stream), *server_tls());
  };
}

WrapStream World::wrap_client() {
  if (client_tls() == nullptr) return {};
  return [this](std::unique_ptr<Stream> stream) {
    return std::make_unique<TlsStream>(client(), std::move(stream), *client_tls(), "localhost",
                                       nullptr);
  };
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = "/tmp/saker-net-XXXXXX";
  path_ = mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

Descriptor raw_connect(const Address& address) {
  const auto candidates = socket_addresses(address, Purpose::kConnect);
  if (!candidates) return {};
  const SocketAddress& to = candidates->front();
  Descriptor fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), to.get(), to.size) != 0) return {};
  return fd;
}

std::string raw_read(int fd, size_t size) {
  std::string out;
  std::array<char, 65536> buffer;
  while (out.size() < size) {
    const ssize_t part = ::recv(fd, buffer.data(), std::min(buffer.size(), size - out.size()), 0);
    if (part <= 0) break;
    out.append(buffer.data(), static_cast<size_t>(part));
  }
  return out;
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

std::string pattern(size_t size, uint64_t seed) {
  Random random(seed);
  std::string out(size, '\0');
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(out.data() + at, &word, std::min(sizeof word, size - at));
  }
  return out;
}

FakeMultiplexer::FakeMultiplexer(std::string path) : path_(std::move(path)) {
  const Address address{.transport = Transport::kUnix, .path = path_};
  const auto at = socket_addresses(address, Purpose::kListen);
  listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listener_.get(), at->front().get(), at->front().size), 0);
  EXPECT_EQ(::listen(listener_.get(), 4096), 0);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeMultiplexer::~FakeMultiplexer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (std::thread& worker : workers_) worker.join();
}

void FakeMultiplexer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    workers_.emplace_back([this, fd] { serve(fd); });
  }
}

namespace {

void pump(int from, int to) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = ::recv(from, buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    ssize_t done = 0;
    while (done < size) {
      const ssize_t part =
          ::send(to, buffer.data() + done, static_cast<size_t>(size - done), MSG_NOSIGNAL);
      if (part < 0) {
        ::shutdown(from, SHUT_RD);
        return;
      }
      done += part;
    }
  }
  ::shutdown(to, SHUT_WR);
}

}  // namespace

void FakeMultiplexer::serve(int fd) {
  const Descriptor client(fd);
  std::string line;
  while (!line.ends_with('\n') && line.size() < 32) {
    const std::string next = raw_read(fd, 1);
    if (next.empty()) return;
    line += next;
  }
  const std::string port = line.substr(8, line.size() - 9);
  const Descriptor guest = raw_connect({.transport = Transport::kUnix, .path = path_ + "_" + port});
  if (!guest) return;
  const std::string ok = "OK 1073741824\n";
  ::send(fd, ok.data(), ok.size(), MSG_NOSIGNAL);
  std::thread back([&] { pump(guest.get(), fd); });
  pump(fd, guest.get());
  back.join();
}

}  // namespace saker::net::test
