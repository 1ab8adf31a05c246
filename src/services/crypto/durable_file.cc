#include "saker/services/crypto/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "saker/services/crypto/file_handle.h"

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

Result<FileHandle> open_secret(const std::string& path, mode_t forbidden) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail_errno("cannot read " + path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("cannot read " + path, errno);
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

Result<void> replace_file(const std::string& directory, const std::string& name,
                          std::string_view bytes) {
  const std::string path = directory + "/" + name;
  const std::string temporary = directory + "/." + name + ".tmp";
  ::unlink(temporary.c_str());  // of a writer that was killed
  FileHandle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno("cannot write " + temporary, errno);
  if (auto written = write_all(file.get(), bytes, temporary); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::fsync(file.get()) != 0) return fail_errno("cannot write " + temporary, errno);
  file.close();
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail_errno("cannot replace " + path, errno);
  return sync_directory(directory);
}

Result<std::string> read_private_file(const std::string& path, size_t most) {
  const auto file = open_secret(path, S_IRWXG | S_IRWXO);
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
