// Result<T> and Error: how system calls, TLS and configuration report failure. Peer mistakes have
// their own type (h2::ConnectionError), the outcome of a call is a grpc::Status, our own bugs are
// CHECKs.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace saker {

// What failed, in words that say what, where and what to do;
// `system_error` is the errno behind it, or 0.
struct Error {
  std::string message;
  int system_error = 0;
};

template <typename T>
using Result = std::expected<T, Error>;

// Result<void>'s error and any Result<T>'s: `return fail("...")`.
inline std::unexpected<Error> fail(std::string message, int system_error = 0) {
  return std::unexpected<Error>(Error{std::move(message), system_error});
}

// fail() with words of others in its message: control characters become '?', so that it stays one
// line and moves no cursor.
std::unexpected<Error> fail_in_one_line(std::string message);

// fail() with ": <strerror>" appended.
std::unexpected<Error> fail_errno(std::string message, int system_error);

}  // namespace saker
