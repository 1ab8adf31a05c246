#include "tls_reload.h"

#include <sys/stat.h>

#include "tls_files.h"

namespace saker::app {
namespace {

constexpr ReloadThread::Period kLookEvery = std::chrono::seconds(1);

}  // namespace

TlsReload::TlsReload(const ServeTlsOptions& options, ServerLog& log,
                     std::function<void(const tls::ServerContext&)> use)
    : options_(options),
      log_(log),
      use_(std::move(use)),
      seen_(stamps()),
      thread_([this](bool asked) { look(asked); }, kLookEvery) {}

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

void TlsReload::look(bool asked) {
  const Stamps now = stamps();
  if (!asked && now == seen_) return;
  seen_ = now;
  reload();
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
