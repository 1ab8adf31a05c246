#include "read_report.h"

#include "read_file.h"

namespace saker::app {
namespace {

template <typename T>
Result<T> with_name(const std::string& path, Result<T> result) {
  if (result) return result;
  return fail(name_of_input(path) + ": " + result.error().message);
}

}  // namespace

Result<DocumentFile> read_document(const std::string& path) {
  auto text = read_file(path, kMaxReportBytes);
  if (!text) return std::unexpected(text.error());
  auto document = with_name(path, bench::parse_document(*text));
  if (!document) return std::unexpected(document.error());
  return DocumentFile{*std::move(text), *std::move(document)};
}

Result<bench::Report> read_report(const std::string& path) {
  const auto text = read_file(path, kMaxReportBytes);
  if (!text) return std::unexpected(text.error());
  return with_name(path, bench::parse_report(*text));
}

std::string name_of_input(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

}  // namespace saker::app
