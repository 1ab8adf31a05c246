// Method: what the dispatcher finds behind a path: its name, its kind, and where its call slots
// come from, one pool a loop. Immutable once the server runs, hence shared by all loops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "saker/base/object_pool.h"
#include "saker/rpc/method_kind.h"
#include "saker/rpc/server_call.h"

namespace saker::rpc {

class Method {
 public:
  Method(std::string path, MethodKind kind) : path_(std::move(path)), kind_(kind) {}
  virtual ~Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  const std::string& path() const { return path_; }  // "/package.Service/Method"
  MethodKind kind() const { return kind_; }
  uint32_t index() const { return index_; }  // dense, for counters

  // Called once before the server runs.
  virtual void prepare(size_t loops) = 0;
  virtual ServerCall* get_call(size_t loop) const = 0;
  // Frees unused calls of a loop until `kept` are left.
  virtual void shrink(size_t loop, size_t kept) const = 0;

 private:
  friend class Dispatcher;
  std::string path_;
  MethodKind kind_;
  uint32_t index_ = 0;
};

// A method whose calls are of type Call, made by Call(Handler&, Pool&).
template <typename Call, typename Handler>
class PooledMethod final : public Method {
 public:
  PooledMethod(std::string path, MethodKind kind, Handler handler)
      : Method(std::move(path), kind), handler_(std::move(handler)) {}

  void prepare(size_t loops) override {
    while (pools_.size() < loops) pools_.push_back(std::make_unique<ObjectPool<Call>>());
  }
  ServerCall* get_call(size_t loop) const override {
    ObjectPool<Call>& pool = *pools_[loop];
    return pool.get(handler_, pool);
  }
  void shrink(size_t loop, size_t kept) const override { pools_[loop]->shrink(kept); }

 private:
  mutable Handler handler_;
  std::vector<std::unique_ptr<ObjectPool<Call>>> pools_;
};

}  // namespace saker::rpc
