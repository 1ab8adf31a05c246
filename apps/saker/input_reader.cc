#include "input_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace saker::app {
namespace {

constexpr size_t kReadAheadBytes = 256 * 1024;

}  // namespace

Result<std::unique_ptr<InputReader>> InputReader::open(const std::string& path, net::Loop& loop) {
  const bool is_stdin = path == "-";
  net::Descriptor file(is_stdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string name = is_stdin ? "standard input" : path;
  if (!file) return fail_errno(name, errno);
  return make(name, std::move(file), loop);
}

Result<std::unique_ptr<InputReader>> InputReader::make(std::string name, net::Descriptor file,
                                                       net::Loop& loop) {
  net::Descriptor quit(eventfd(0, EFD_CLOEXEC));
  if (!quit) return fail_errno("eventfd", errno);
  return std::unique_ptr<InputReader>(
      new InputReader(std::move(name), std::move(file), std::move(quit), loop));
}

InputReader::InputReader(std::string name, net::Descriptor file, net::Descriptor quit,
                         net::Loop& loop)
    : name_(std::move(name)), file_(std::move(file)), quit_(std::move(quit)), loop_(loop) {
  thread_ = std::thread([this] { read_all(); });
}

InputReader::~InputReader() {
  {
    const std::lock_guard lock(mutex_);
    quits_ = true;
  }
  taken_.notify_one();
  const uint64_t one = 1;
  (void)!::write(quit_.get(), &one, sizeof one);  // cannot fail below 2^64 - 1 writes
  thread_.join();
  while (posted_) loop_.run_once(loop_.read_clock());
}

Result<bool> InputReader::take(std::string& out) {
  const std::lock_guard lock(mutex_);
  if (error_ != 0) return fail_errno(name_, error_);
  out.append(bytes_);
  bytes_.clear();
  taken_.notify_one();
  return !end_;
}

// On the loop: being woken up is all.
void InputReader::run() {
  const std::lock_guard lock(mutex_);
  posted_ = false;
}

void InputReader::read_all() {
  std::string buffer(64 * 1024, '\0');
  while (wait_for_input()) {
    const ssize_t size = ::read(file_.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return add({}, size < 0 ? errno : 0, true);
    add({buffer.data(), static_cast<size_t>(size)}, 0, false);
  }
}

// Until there is something to read and room for it; false: nobody wants it any more.
bool InputReader::wait_for_input() {
  {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return quits_ || bytes_.size() < kReadAheadBytes; });
    if (quits_) return false;
  }
  pollfd ready[] = {{file_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
  while (::poll(ready, 2, -1) < 0) {  // EINTR
  }
  return ready[1].revents == 0;
}

void InputReader::add(std::string_view bytes, int error, bool end) {
  const std::lock_guard lock(mutex_);
  bytes_.append(bytes);
  error_ = error;
  end_ = end;
  if (!std::exchange(posted_, true)) loop_.post(*this);
}

}  // namespace saker::app
