#include "tls_reload.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_files.h"

namespace saker::app {
namespace {

constexpr int kLookEveryMs = 1000;

}  // namespace

TlsReload::TlsReload(const ServeTlsOptions& options, ServerLog& log,
                     std::function<void(const tls::ServerContext&)> use)
    : options_(options), log_(log), use_(std::move(use)), seen_(stamps()) {
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

TlsReload::~TlsReload() {
  if (!thread_.joinable()) return;
  quit_ = true;
  wake();
  thread_.join();
}

// Without a descriptor the certificate stays as it is.
void TlsReload::start() {
  if (wake_) thread_ = std::thread([this] { run(); });
}

void TlsReload::ask() {
  asked_ = true;
  wake();
}

void TlsReload::wake() {
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // cannot fail below 2^64 - 1 writes
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
  pollfd ready{wake_.get(), POLLIN, 0};
  while (!quit_) {
    (void)::poll(&ready, 1, kLookEveryMs);
    uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    const bool asked = asked_.exchange(false);
    const Stamps now = stamps();
    if (quit_ || (!asked && now == seen_)) continue;
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
