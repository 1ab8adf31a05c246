// MethodLabels: methods as metrics and call records name them: "package.Service/Method", without
// the leading slash, and "other" for paths that no method has, because peers could make up any
// number of those (gRFC A66, grpc.method).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "saker/rpc/dispatcher.h"

namespace saker::app {

class MethodLabels {
 public:
  MethodLabels() = default;
  explicit MethodLabels(const rpc::Dispatcher& dispatcher) : labels_(dispatcher.methods().size()) {
    for (const auto& method : dispatcher.methods()) {
      labels_[method->index()] = method->path().substr(1);
    }
  }

  size_t size() const { return labels_.size(); }
  // Anything beyond the last index stands for all unknown methods.
  std::string_view operator[](size_t index) const {
    return index < labels_.size() ? std::string_view(labels_[index]) : "other";
  }

 private:
  std::vector<std::string> labels_;
};

}  // namespace saker::app
