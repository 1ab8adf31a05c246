#include "tls_reload.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tls_files.h"

namespace saker::app {
namespace {

constexpr int kLookEveryMs = 1000;

sigset_t reload_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void TlsReload::block_signal() {
  const sigset_t set = reload_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// Without descriptors the certificate stays as it is.
TlsReload::TlsReload(const ServeTlsOptions& options, ServerLog& log,
                     std::function<void(const tls::ServerContext&)> use)
    : options_(options), log_(log), use_(std::move(use)), seen_(stamps()) {
  const sigset_t set = reload_signals();
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  quit_.reset(eventfd(0, EFD_CLOEXEC));
  if (signals_ && quit_) thread_ = std::thread([this] { run(); });
}

TlsReload::~TlsReload() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  (void)!::write(quit_.get(), &one, sizeof one);  // cannot fail below 2^64 - 1 writes
  thread_.join();
}

bool TlsReload::Stamp::operator==(const Stamp& other) const {
  return modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec &&
         bytes == other.bytes && inode == other.inode;
}

TlsReload::Stamp TlsReload::stamp_of(const std::string& file) {
  struct stat status{};
  if (file.empty() || ::stat(file.c_str(), &status) != 0) return {};
  return {status.st_mtim, static_cast<uint64_t>(status.st_size), status.st_ino};
}

TlsReload::Stamps TlsReload::stamps() const {
  return {stamp_of(options_.certificate), stamp_of(options_.key), stamp_of(options_.client_ca)};
}

void TlsReload::run() {
  pollfd ready[] = {{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
  for (;;) {
    if (::poll(ready, 2, kLookEveryMs) < 0) continue;  // EINTR
    if (ready[1].revents != 0) return;
    bool asked = false;
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) asked = true;
    const Stamps now = stamps();
    if (!asked && now == seen_) continue;
    seen_ = now;
    reload();
  }
}

// A certificate and a key that are replaced one after the other do not match for a moment: that is
// told, and the second change sets it right.
void TlsReload::reload() {
  const auto context = load_server_tls(options_);
  if (!context) {
    log_.error("the TLS certificate stays as it was: " + context.error().message);
    return;
  }
  use_(*context);
  log_.info("new TLS certificate: " + context->summary());
}

}  // namespace saker::app
