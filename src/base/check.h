// CHECK and DCHECK: our own bugs, never a peer's. CHECK guards process-wide state and is always on;
// DCHECK is on in debug, sanitizer and fuzz builds only. No input from outside may reach either:
// bad input is a status, not an abort.
#pragma once

namespace saker {

// Prints `file:line: expression` to stderr and ends the process.
// The one place in the project that aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression) noexcept;

}  // namespace saker

#define SAKER_CHECK(expression)                  \
  (__builtin_expect(!!(expression), 1) ? (void)0 \
                                       : ::saker::check_failed(__FILE__, __LINE__, #expression))

#ifdef SAKER_DCHECKS
#define SAKER_DCHECK(expression) SAKER_CHECK(expression)
#else
#define SAKER_DCHECK(expression) ((void)sizeof(!(expression)))
#endif
