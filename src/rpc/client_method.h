// ClientMethod: a method as a client names it. Immutable;
// made once (generated code makes them static) and shared.
#pragma once

#include <cstddef>
#include <string>

#include "saker/rpc/method_kind.h"

namespace saker::rpc {

class ClientMethod {
 public:
  // `path`: "/package.Service/Method".
  explicit ClientMethod(std::string path, MethodKind kind = MethodKind::kUnary);
  ClientMethod(const ClientMethod&) = delete;
  ClientMethod& operator=(const ClientMethod&) = delete;

  const std::string& path() const { return path_; }
  MethodKind kind() const { return kind_; }
  // Dense over the process: where connections keep its encoded head.
  size_t index() const { return index_; }

 private:
  std::string path_;
  MethodKind kind_;
  size_t index_;
};

}  // namespace saker::rpc
