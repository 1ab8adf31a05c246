// read_document(), read_report(): what a run of the load generator has left, from a file.
#pragma once

#include <string>

#include "saker/base/result.h"
#include "saker/bench/document.h"

namespace saker::app {

inline constexpr uint64_t kMaxReportBytes = uint64_t{64} << 20;

struct DocumentFile {
  std::string json;  // what is in it
  bench::Document document;
};

// `path` "-": standard input. Errors are one line that names the file.
Result<DocumentFile> read_document(const std::string& path);
// Of one run.
Result<bench::Report> read_report(const std::string& path);
// As errors call it.
std::string name_of_input(const std::string& path);

}  // namespace saker::app
