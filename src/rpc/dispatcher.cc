#include "saker/rpc/dispatcher.h"

#include <algorithm>

namespace saker::rpc {

void Dispatcher::add(std::unique_ptr<Method> method) {
  const auto same = std::find_if(methods_.begin(), methods_.end(), [&](const auto& other) {
    return other->path() == method->path();
  });
  if (same != methods_.end()) {
    method->index_ = (*same)->index_;
    *same = std::move(method);
    return;
  }
  method->index_ = static_cast<uint32_t>(methods_.size());
  methods_.push_back(std::move(method));
}

void Dispatcher::prepare(size_t loops) {
  size_t slots = 4;
  while (slots < methods_.size() * 4) slots *= 2;
  mask_ = slots - 1;
  table_.assign(slots, nullptr);
  for (const auto& method : methods_) {
    method->prepare(loops);
    size_t at = hash(method->path()) & mask_;
    while (table_[at] != nullptr) at = (at + 1) & mask_;
    table_[at] = method.get();
  }
}

bool Dispatcher::has_service(std::string_view service) const {
  return std::any_of(methods_.begin(), methods_.end(), [&](const auto& method) {
    const std::string_view path = method->path();
    return path.size() > service.size() + 1 && path.substr(1, service.size()) == service &&
           path[service.size() + 1] == '/';
  });
}

}  // namespace saker::rpc
