// The :path of a call, "/package.Service/Method" (gRPC PROTOCOL-HTTP2.md "Requests", Path). Split
// strictly, because router and access control must agree on one canonical name: no decoding, no
// folding of slashes, bytes as they came. Values only: any thread.
#pragma once

#include <optional>
#include <string_view>

namespace saker::grpc {

struct MethodPath {
  std::string_view service;  // "package.Service"; both point into the path
  std::string_view method;
};

// Nothing unless `path` is a slash, a non-empty part, a slash and a non-empty part
// without any further slash.
inline std::optional<MethodPath> split_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == path.size())
    return std::nullopt;
  const std::string_view method = path.substr(slash + 1);
  if (method.find('/') != std::string_view::npos) return std::nullopt;
  return MethodPath{path.substr(0, slash), method};
}

}  // namespace saker::grpc
