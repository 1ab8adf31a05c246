// ReflectionService: grpc.reflection.v1 and v1alpha.ServerReflection (grpc/doc/server-reflection.md):
// what grpcurl, ghz and others ask to call methods without their .proto files. Answers from the
// descriptors that are linked into this program. Immutable: any thread.
#pragma once

#include <string>
#include <vector>

#include "saker/rpc/dispatcher.h"

namespace saker::reflection {

class ReflectionService {
 public:
  // Register it last: it lists the services that `dispatcher` has by then, and its own.
  // It must outlive the server.
  void register_on(rpc::Dispatcher& dispatcher);

  // "package.Service", sorted.
  const std::vector<std::string>& services() const { return services_; }

 private:
  std::vector<std::string> services_;
};

}  // namespace saker::reflection
