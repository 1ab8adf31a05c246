#include "read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "saker/base/quantity.h"
#include "saker/net/descriptor.h"

namespace saker::app {

Result<std::string> read_file(const std::string& path, uint64_t most) {
  net::Descriptor file;
  const bool is_stdin = path == "-";
  if (!is_stdin) {
    file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno(path, errno);
  }
  const std::string name = is_stdin ? "standard input" : path;
  std::string bytes;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t size = ::read(is_stdin ? STDIN_FILENO : file.get(), buffer, sizeof buffer);
    if (size == 0) return bytes;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno(name, errno);
    bytes.append(buffer, static_cast<size_t>(size));
    if (bytes.size() > most) return fail(name + ": more than " + format_size(most));
  }
}

}  // namespace saker::app
