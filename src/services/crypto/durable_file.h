// Files that survive a crash whole: replaced by rename, with the data and then the directory on the
// disk before it returns (fsync(2), rename(2)); and the reading of what holds secrets. Thread rule:
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/services/crypto/file_handle.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {

// A directory of mode 0700, made if it is not there; on the disk when this returns.
Result<void> make_private_directory(const std::string& path);

// Whose directory is good enough to have keys in.
enum class DirectoryOwner : uint8_t {
  kTrusted,          // root's, or this process's user's
  kAnyoneUnderRoot,  // the same, but where root looks, anybody's: it changes what belongs to others
};
// Refuses a directory that its group or others may write to, and other owners' than those.
Result<void> check_key_directory(const std::string& path, DirectoryOwner owner);

// `directory`/`name` for flock(2), mode 0600, made if it is not there, and then of the directory's
// owner.
Result<FileHandle> open_lock_file(const std::string& directory, const std::string& name);

// `directory`/`name`, mode 0600, has the old bytes or the new ones at every moment, and the owner
// that it had; a new one has the directory's. By way of ".NAME.tmp" beside it: one writer at a time.
Result<void> replace_file(const std::string& directory, const std::string& name,
                          std::string_view bytes);

// At most `most` bytes; a file that its group or others have any permission for is refused, and so
// is what is no file: a FIFO would have its reader wait for good.
Result<std::string> read_private_file(const std::string& path, size_t most);

// Any file, into memory that is wiped.
Result<SecretVector> read_secret(const std::string& path, size_t most);

// The first line of a file that users other than its owner and group cannot read.
Result<SecretVector> read_passphrase(const std::string& path);

}  // namespace saker::crypto
