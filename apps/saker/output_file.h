// OutputFile: where a command will write what it asks a server for: a file, or standard output.
// Opened before the server is asked, so that what cannot be written is not asked for; a file that
// was there keeps its bytes until there are others. Belongs to one thread, but for discard().
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "saker/base/result.h"
#include "saker/net/descriptor.h"

namespace saker::app {

class OutputFile {
 public:
  // "-": standard output. Makes a file that is not there. Errors name the file.
  static Result<std::unique_ptr<OutputFile>> open(const std::string& path);
  ~OutputFile() { discard(); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Once: in place of what the file held.
  Result<void> write(std::string_view bytes);
  // Removes a file that open() made and nothing was written to. Any thread.
  void discard();

 private:
  OutputFile(std::string path, net::Descriptor file, bool is_new);

  const std::string path_;
  const net::Descriptor file_;  // none: standard output
  std::atomic<bool> is_new_;    // made by open(), and not written to
};

// Of what came and was written: the exit code; prints to stderr why it could not be.
int report_written(const Result<void>& written);

}  // namespace saker::app
