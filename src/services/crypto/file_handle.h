// FileHandle: move-only owner of an open file's descriptor. Services know no layer below rpc, so
// that net's own owner of sockets is not at hand here. Thread rule: one thread's.
#pragma once

#include <unistd.h>

#include <utility>

namespace saker::crypto {

class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // close(2) frees the descriptor whatever it returns, so there is nothing to do about an error.
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

}  // namespace saker::crypto
