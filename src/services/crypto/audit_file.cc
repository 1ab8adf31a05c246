#include "saker/services/crypto/audit_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace saker::crypto {
namespace {

// Longer than any record: a name is at most a certificate's.
constexpr uint64_t kMaxLineBytes = 64 * 1024;

Result<std::string> read_at(int file, uint64_t offset, size_t size, const std::string& path) {
  std::string bytes(size, '\0');
  size_t total = 0;
  while (total < size) {
    const ssize_t got =
        ::pread(file, bytes.data() + total, size - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path, errno);
    if (got == 0) break;
    total += static_cast<size_t>(got);
  }
  bytes.resize(total);
  return bytes;
}

}  // namespace

Result<AuditFile> AuditFile::open(const std::string& path) {
  FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file) return fail_errno("audit log " + path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("audit log " + path, errno);
  if (!S_ISREG(status.st_mode)) return fail("audit log " + path + ": not a regular file");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return fail("audit log " + path + ": another process writes it");
  AuditFile audit(path, std::move(file));
  audit.size_ = static_cast<uint64_t>(status.st_size);
  if (auto found = audit.find_end(); !found) return std::unexpected(found.error());
  return audit;
}

Result<void> AuditFile::find_end() {
  const uint64_t from = size_ - std::min(size_, 2 * kMaxLineBytes);
  const auto tail = read_at(file_.get(), from, size_ - from, path_);
  if (!tail) return std::unexpected(tail.error());
  const size_t newline = tail->rfind('\n');
  const uint64_t whole = newline == tail->npos ? 0 : newline + 1;
  if (whole == 0 && from != 0) return fail("audit log " + path_ + ": ends in no record");
  torn_bytes_ = tail->size() - whole;
  if (torn_bytes_ != 0 && ::ftruncate(file_.get(), static_cast<off_t>(from + whole)) != 0)
    return fail_errno("audit log " + path_, errno);
  size_ = from + whole;
  if (whole == 0) return {};
  std::string_view line = std::string_view(*tail).substr(0, newline);
  if (const size_t before = line.rfind('\n'); before != line.npos) line.remove_prefix(before + 1);
  auto chain = AuditChain::resume(line);
  if (!chain)
    return fail("audit log " + path_ + ": the last line " + chain.error().message +
                ": look at it with saker audit verify, and start another file");
  chain_ = *std::move(chain);
  return {};
}

Result<void> AuditFile::append(std::string_view lines) {
  const uint64_t size = lines.size();
  size_before_ = size_;
  while (!lines.empty()) {
    const ssize_t written = ::write(file_.get(), lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      take_back();
      return fail_errno("cannot write " + path_, error);
    }
    lines.remove_prefix(static_cast<size_t>(written));
  }
  size_ += size;
  return {};
}

void AuditFile::take_back() {
  size_ = size_before_;
  // Where even this fails, the file ends in a torn or unanswered record, which the next append would
  // make a broken chain of: nothing more can be done here, and verification will say so.
  (void)!::ftruncate(file_.get(), static_cast<off_t>(size_));
}

Result<void> AuditFile::sync() {
  if (::fdatasync(file_.get()) != 0) return fail_errno("cannot write " + path_, errno);
  return {};
}

bool AuditFile::was_moved() const {
  struct stat here{};
  struct stat there{};
  if (::fstat(file_.get(), &here) != 0 || ::stat(path_.c_str(), &there) != 0) return true;
  return here.st_dev != there.st_dev || here.st_ino != there.st_ino;
}

// ---- verification

namespace {

Result<void> follow_file(const std::string& path, AuditChain& chain, AuditSummary& summary) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno("cannot read " + path, errno);
  std::string line;
  for (uint64_t number = 1; std::getline(file, line); ++number) {
    if (file.eof()) {
      summary.torn_bytes = line.size();
      return {};
    }
    if (auto followed = chain.follow(line); !followed)
      return fail(path + ":" + std::to_string(number) + ": " + followed.error().message);
    ++summary.records;
  }
  const int error = errno;
  if (file.bad()) return fail_errno("cannot read " + path, error != 0 ? error : EIO);
  return {};
}

}  // namespace

Result<AuditSummary> verify_audit_files(std::span<const std::string> paths, AuditChain chain) {
  AuditSummary summary;
  const std::string* before = nullptr;
  for (const std::string& path : paths) {
    if (summary.torn_bytes != 0) return fail(*before + ": its last record is torn");
    if (auto followed = follow_file(path, chain, summary); !followed)
      return std::unexpected(followed.error());
    before = &path;
  }
  summary.last_hash = chain.hash();
  return summary;
}

Result<AuditSummary> verify_audit_file(const std::string& path) {
  return verify_audit_files({&path, 1});
}

}  // namespace saker::crypto
