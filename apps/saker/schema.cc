#include "schema.h"

#include <algorithm>

#include "nearest_word.h"

namespace saker::app {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// "Echo" means "saker.echo.v1.Echo" where that is the only one.
std::optional<std::string> nearest_name(const std::string& name,
                                        const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates) {
    if (candidate.ends_with("." + name)) return candidate;
  }
  return nearest_word(name, candidates);
}

std::string suggestion(const std::string& name, const std::vector<std::string>& candidates) {
  if (const auto near = nearest_name(name, candidates)) return "; did you mean " + *near + "?";
  constexpr size_t kMostListed = 20;
  if (candidates.empty() || candidates.size() > kMostListed) return "";
  return "; there are " + join(candidates);
}

struct MethodName {
  std::string service;
  std::string method;
};

Result<MethodName> split_method(std::string_view text) {
  std::string_view name = text;
  if (name.starts_with('/')) name.remove_prefix(1);
  size_t at = name.rfind('/');
  if (at == std::string_view::npos) at = name.rfind('.');
  if (at == std::string_view::npos || at == 0 || at + 1 == name.size()) {
    return fail("'" + std::string(text) + "' is no method: write SERVICE/METHOD");
  }
  return MethodName{std::string(name.substr(0, at)), std::string(name.substr(at + 1))};
}

}  // namespace

Result<const pb::ServiceDescriptor*> find_service(Schema& schema, std::string_view name) {
  const std::string wanted(name);
  if (const auto* service = schema.pool().FindServiceByName(wanted)) return service;
  if (auto state = schema.state(); !state) return std::unexpected(state.error());
  auto names = schema.service_names();
  if (!names) return std::unexpected(names.error());
  return fail("no service " + wanted + " in " + schema.source_name() + suggestion(wanted, *names));
}

Result<const pb::MethodDescriptor*> find_method(Schema& schema, std::string_view name) {
  const auto wanted = split_method(name);
  if (!wanted) return std::unexpected(wanted.error());
  const auto service = find_service(schema, wanted->service);
  if (!service) return std::unexpected(service.error());
  if (const auto* method = (*service)->FindMethodByName(wanted->method)) return method;
  std::vector<std::string> names;
  for (int at = 0; at < (*service)->method_count(); ++at) {
    names.push_back((*service)->method(at)->name());
  }
  return fail("no method " + wanted->method + " in service " + wanted->service +
              suggestion(wanted->method, names));
}

}  // namespace saker::app
