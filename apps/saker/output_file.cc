#include "output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "command_line.h"

namespace saker::app {

OutputFile::OutputFile(std::string path, net::Descriptor file, bool is_new)
    : path_(std::move(path)), file_(std::move(file)), is_new_(is_new) {}

Result<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& path) {
  net::Descriptor file;
  bool is_new = false;
  if (path != "-") {
    constexpr mode_t kMode = 0666;  // less the process's umask
    file.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    is_new = static_cast<bool>(file);
    if (!file && errno == EEXIST) {
      file.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kMode));
    }
    if (!file) return fail_errno("can't write " + path, errno);
  }
  return std::unique_ptr<OutputFile>(new OutputFile(path, std::move(file), is_new));
}

Result<void> OutputFile::write(std::string_view bytes) {
  is_new_ = false;
  const std::string name = file_ ? path_ : "standard output";
  // Pipes and devices have no length, and nothing of their own to lose.
  if (file_ && ::ftruncate(file_.get(), 0) != 0 && errno != EINVAL) {
    return fail_errno("can't write " + name, errno);
  }
  while (!bytes.empty()) {
    const ssize_t written =
        ::write(file_ ? file_.get() : STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("can't write " + name, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

void OutputFile::discard() {
  if (is_new_.exchange(false)) (void)::unlink(path_.c_str());  // best effort: it is empty
}

int report_written(const Result<void>& written) {
  if (written) return kExitOk;
  (void)fail_usage(written.error().message);
  return kExitFailed;
}

}  // namespace saker::app
