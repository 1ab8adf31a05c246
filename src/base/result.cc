#include "saker/base/result.h"

#include <algorithm>
#include <system_error>

namespace saker {

std::unexpected<Error> fail_in_one_line(std::string message) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  std::ranges::replace_if(message, is_control, '?');
  return fail(std::move(message));
}

std::unexpected<Error> fail_errno(std::string message, int system_error) {
  message += ": ";
  message += std::generic_category().message(system_error);
  return fail(std::move(message), system_error);
}

}  // namespace saker
