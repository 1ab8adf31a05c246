#include "saker/base/result.h"

#include <system_error>

namespace saker {

std::unexpected<Error> fail_errno(std::string message, int system_error) {
  message += ": ";
  message += std::generic_category().message(system_error);
  return fail(std::move(message), system_error);
}

}  // namespace saker
