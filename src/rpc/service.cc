#include "saker/rpc/service.h"

#include <string>

namespace saker::rpc {

grpc::Status unimplemented(std::string_view path) {
  return {
      grpc::StatusCode::kUnimplemented, "method " + std::string(path) + " is not implemented", {}};
}

Task<grpc::Status> unimplemented_task(std::string_view path) {
  co_return unimplemented(path);
}

}  // namespace saker::rpc
