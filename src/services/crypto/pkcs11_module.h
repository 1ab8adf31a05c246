// Pkcs11Module: a token's PKCS#11 module: the shared library, its list of functions, initialised for
// use by many threads. Knows no token. Included by the pkcs11_*.cc of this folder only: PKCS#11's
// own header stays out of every other one. Thread rule: any thread.
#pragma once

#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

#include <memory>
#include <string>

#include "saker/base/result.h"

namespace saker::crypto {

// "CKR_DEVICE_REMOVED", or the number of one that has no name here.
std::string describe_pkcs11(ck_rv_t result);

// fail("<what>: CKR_...").
std::unexpected<Error> fail_pkcs11(std::string what, ck_rv_t result);

class Pkcs11Module {
 public:
  static Result<std::unique_ptr<Pkcs11Module>> load(const std::string& path);
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;
  ~Pkcs11Module();

  const ck_function_list* operator->() const { return functions_; }
  const std::string& path() const { return path_; }

 private:
  Pkcs11Module(std::string path, const ck_function_list* functions, bool owns)
      : path_(std::move(path)), functions_(functions), owns_(owns) {}

  const std::string path_;
  const ck_function_list* const functions_;
  const bool owns_;  // false: someone else in this process initialised it, and will finalise it
};

}  // namespace saker::crypto
