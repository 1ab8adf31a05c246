// AuditFile: the file that an audit chain is kept in: opened where it ended, appended to, put on the
// disk. A last line without its newline was torn by the end of a process and never answered for: it
// is cut off. Thread rule: one thread's.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/services/crypto/audit_record.h"
#include "saker/services/crypto/file_handle.h"

namespace saker::crypto {

class AuditFile {
 public:
  // Made with mode 0600 if it is not there. Refused where another process has it, or where the last
  // whole line is not sound.
  static Result<AuditFile> open(const std::string& path);

  // Where it ended; how many bytes of a torn line were cut off.
  const AuditChain& chain() const { return chain_; }
  bool is_empty() const { return size_ == 0; }
  uint64_t torn_bytes() const { return torn_bytes_; }

  // All of `lines`, or nothing: what was written in part is taken back.
  Result<void> append(std::string_view lines);
  // As if the last append() had not been.
  void take_back();
  // Whether another file, or none, is where this one was opened: logrotate(8) moves files away.
  bool was_moved() const;
  // On the disk when it returns (fdatasync(2)).
  Result<void> sync();

 private:
  AuditFile(std::string path, FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> find_end();

  std::string path_;
  FileHandle file_;
  uint64_t size_ = 0;
  uint64_t size_before_ = 0;  // the last append()
  uint64_t torn_bytes_ = 0;
  AuditChain chain_;
};

// Follows the whole chain of some files, in the order in which they were written. The error names
// the file and the line that breaks it. Only the last file may end in a torn line.
struct AuditSummary {
  uint64_t records = 0;
  std::string last_hash;
  uint64_t torn_bytes = 0;  // behind the last newline
};
Result<AuditSummary> verify_audit_files(std::span<const std::string> paths, AuditChain chain = {});
Result<AuditSummary> verify_audit_file(const std::string& path);

}  // namespace saker::crypto
