// Dispatcher: paths to methods. Filled before the server starts, immutable and shared by all loops
// from then on. Lookup costs one cheap hash and one comparison, because some peers send :path as a
// literal on every call.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "saker/rpc/method.h"
#include "saker/rpc/streaming_call.h"
#include "saker/rpc/unary_call.h"

namespace saker::rpc {

class Dispatcher {
 public:
  // Handlers: see unary_call.h and streaming_call.h. A path that is registered already is replaced.
  template <typename Request, typename Reply, typename Handler>
  void add_unary(std::string path, Handler handler) {
    add_method<UnaryCall<Request, Reply, Handler>>(std::move(path), MethodKind::kUnary,
                                                   std::move(handler));
  }
  template <typename Request, typename Reply, typename Handler>
  void add_client_streaming(std::string path, Handler handler) {
    add_method<StreamingCall<Request, Reply, Handler, MethodKind::kClientStreaming>>(
        std::move(path), MethodKind::kClientStreaming, std::move(handler));
  }
  template <typename Request, typename Reply, typename Handler>
  void add_server_streaming(std::string path, Handler handler) {
    add_method<StreamingCall<Request, Reply, Handler, MethodKind::kServerStreaming>>(
        std::move(path), MethodKind::kServerStreaming, std::move(handler));
  }
  template <typename Request, typename Reply, typename Handler>
  void add_bidi_streaming(std::string path, Handler handler) {
    add_method<StreamingCall<Request, Reply, Handler, MethodKind::kBidiStreaming>>(
        std::move(path), MethodKind::kBidiStreaming, std::move(handler));
  }

  // Builds the lookup table and the pools; call once, before any find().
  void prepare(size_t loops);
  const Method* find(std::string_view path) const {
    for (size_t at = hash(path) & mask_;; at = (at + 1) & mask_) {
      const Method* method = table_[at];
      if (method == nullptr || method->path() == path) return method;
    }
  }
  // Is any method of `service` registered? Tells "unknown service" from "unknown method".
  bool has_service(std::string_view service) const;
  const std::vector<std::unique_ptr<Method>>& methods() const { return methods_; }

 private:
  template <typename Call, typename Handler>
  void add_method(std::string path, MethodKind kind, Handler handler) {
    add(std::make_unique<PooledMethod<Call, Handler>>(std::move(path), kind, std::move(handler)));
  }
  void add(std::unique_ptr<Method> method);

  static size_t hash(std::string_view path);

  std::vector<std::unique_ptr<Method>> methods_;
  std::vector<const Method*> table_{nullptr, nullptr};  // open addressing, at most a quarter full
  size_t mask_ = 0;
};

// Length and the last eight bytes tell methods of a server apart well enough.
inline size_t Dispatcher::hash(std::string_view path) {
  uint64_t tail = 0;
  const size_t bytes = path.size() < sizeof tail ? path.size() : sizeof tail;
  std::memcpy(&tail, path.data() + path.size() - bytes, bytes);
  tail = (tail ^ path.size()) * 0x9E3779B97F4A7C15;
  return static_cast<size_t>(tail >> 32);
}

}  // namespace saker::rpc
