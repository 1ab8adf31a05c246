#include "saker/services/crypto/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace saker::crypto {
namespace {

constexpr size_t kMaxPassphraseBytes = 1024;

// "a" -> ".", "/a" -> "/", "b/a" -> "b".
std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/', path.find_last_not_of('/'));
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory(const std::string& path) {
  const FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno(path, errno);
  return {};
}

Result<void> write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("cannot write " + path, errno);
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

// Fills at most out.size() bytes; how many there were.
Result<size_t> read_up_to(int file, MutableBytes out, const std::string& path) {
  size_t total = 0;
  while (total < out.size()) {
    const ssize_t size = ::read(file, out.data() + total, out.size() - total);
    if (size == 0) break;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("cannot read " + path, errno);
    total += static_cast<size_t>(size);
  }
  return total;
}

// Gives a file that this process has just made to its owner, which only root has to and may.
Result<void> give_to(int file, const struct stat& owner, const std::string& path) {
  struct stat made{};
  if (::fstat(file, &made) != 0) return fail_errno("cannot write " + path, errno);
  if (made.st_uid != owner.st_uid && ::fchown(file, owner.st_uid, owner.st_gid) != 0)
    return fail_errno("cannot give " + path + " to its owner", errno);
  return {};
}

// Of the file, or else of the directory that it will be in.
Result<struct stat> owner_of(const std::string& path, const std::string& directory) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) return status;
  if (errno != ENOENT) return fail_errno(path, errno);
  if (::stat(directory.c_str(), &status) != 0) return fail_errno(directory, errno);
  return status;
}

// With O_NONBLOCK only a file will do, and opening what is none does not wait: a key directory may be
// looked at while somebody waits for the end of the process.
Result<FileHandle> open_secret(const std::string& path, mode_t forbidden, int flags = 0) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | flags));
  if (!file) return fail_errno("cannot read " + path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("cannot read " + path, errno);
  if ((flags & O_NONBLOCK) != 0 && !S_ISREG(status.st_mode))
    return fail(path + ": not a regular file");
  if ((status.st_mode & forbidden) != 0)
    return fail(path + " may be read by others: chmod 600 " + path);
  return file;
}

}  // namespace

Result<void> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_directory(parent_of(path));
  if (errno == EEXIST) return {};
  return fail_errno("cannot make " + path, errno);
}

Result<void> check_key_directory(const std::string& path, DirectoryOwner owner) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("cannot read " + path, errno);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(path + " may be written to by others: chmod go-w " + path);
  const uid_t self = ::geteuid();
  if (status.st_uid == 0 || status.st_uid == self) return {};
  if (owner == DirectoryOwner::kAnyoneUnderRoot && self == 0) return {};
  return fail(path + " belongs to uid " + std::to_string(status.st_uid) +
              ", neither to root nor to this process's user, uid " + std::to_string(self));
}

// A link in its place is not followed: root would give away what it points to.
Result<FileHandle> open_lock_file(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  FileHandle made(::open(path.c_str(), kFlags | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR));
  if (made) {
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0) return fail_errno(directory, errno);
    if (auto given = give_to(made.get(), status, path); !given)
      return std::unexpected(given.error());
    return made;
  }
  FileHandle file(::open(path.c_str(), kFlags));
  if (!file) return fail_errno("cannot lock " + directory, errno);
  return file;
}

Result<void> replace_file(const std::string& directory, const std::string& name,
                          std::string_view bytes) {
  const std::string path = directory + "/" + name;
  const std::string temporary = directory + "/." + name + ".tmp";
  const auto owner = owner_of(path, directory);
  if (!owner) return std::unexpected(owner.error());
  (void)::unlink(temporary.c_str());  // of a writer that was killed; if it stays, open() says so
  FileHandle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno("cannot write " + temporary, errno);
  auto written = give_to(file.get(), *owner, temporary);
  if (written) written = write_all(file.get(), bytes, temporary);
  if (!written) {
    (void)::unlink(temporary.c_str());  // the next writer removes it, too
    return written;
  }
  if (::fsync(file.get()) != 0) return fail_errno("cannot write " + temporary, errno);
  file.close();
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail_errno("cannot replace " + path, errno);
  return sync_directory(directory);
}

Result<std::string> read_private_file(const std::string& path, size_t most) {
  const auto file = open_secret(path, S_IRWXG | S_IRWXO, O_NONBLOCK);
  if (!file) return std::unexpected(file.error());
  std::string bytes(most + 1, '\0');
  const auto size =
      read_up_to(file->get(), {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}, path);
  if (!size) return std::unexpected(size.error());
  if (*size > most) return fail(path + ": more than " + std::to_string(most) + " bytes");
  bytes.resize(*size);
  return bytes;
}

Result<SecretVector> read_secret(const std::string& path, size_t most) {
  const auto file = open_secret(path, 0);
  if (!file) return std::unexpected(file.error());
  SecretVector bytes(most + 1);
  const auto size = read_up_to(file->get(), bytes.span(), path);
  if (!size) return std::unexpected(size.error());
  if (*size > most) return fail(path + ": more than " + std::to_string(most) + " bytes");
  bytes.truncate(*size);
  return bytes;
}

Result<SecretVector> read_passphrase(const std::string& path) {
  const auto file = open_secret(path, S_IRWXO);
  if (!file) return std::unexpected(file.error());
  SecretVector bytes(kMaxPassphraseBytes + 1);
  const auto size = read_up_to(file->get(), bytes.span(), path);
  if (!size) return std::unexpected(size.error());
  if (*size > kMaxPassphraseBytes) return fail(path + ": more than 1024 bytes");
  const auto* const end = std::find(bytes.data(), bytes.data() + *size, '\n');
  bytes.truncate(static_cast<size_t>(end - bytes.data()));
  if (bytes.empty()) return fail(path + " has no passphrase in its first line");
  return bytes;
}

}  // namespace saker::crypto
