#include "control_pipe.h"

#include <unistd.h>

#include <cstdint>
#include <string>

namespace saker::interop {
namespace {

bool read_all(char* to, size_t bytes) {
  while (bytes != 0) {
    const ssize_t got = read(STDIN_FILENO, to, bytes);
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

void write_all(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (wrote <= 0) return;
    done += static_cast<size_t>(wrote);
  }
}

}  // namespace

bool ControlPipe::receive(v1::Command& command) {
  unsigned char prefix[4];
  if (!read_all(reinterpret_cast<char*>(prefix), sizeof prefix)) return false;
  const uint32_t size =
      prefix[0] | uint32_t{prefix[1]} << 8 | uint32_t{prefix[2]} << 16 | uint32_t{prefix[3]} << 24;
  std::string text(size, '\0');
  return read_all(text.data(), size) && command.ParseFromString(text);
}

void ControlPipe::send(const v1::Outcome& outcome) {
  const std::string body = outcome.SerializeAsString();
  const auto size = static_cast<uint32_t>(body.size());
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text.push_back(static_cast<char>(size >> shift));
  text += body;
  const std::lock_guard lock(mutex_);
  write_all(text);
}

}  // namespace saker::interop
