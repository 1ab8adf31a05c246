#include "saker/services/crypto/pkcs11_module.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace saker::crypto {
namespace {

struct NamedResult {
  ck_rv_t value;
  const char* name;
};
#define SAKER_NAMED(result) {result, #result}
constexpr NamedResult kNamedResults[] = {
    SAKER_NAMED(CKR_HOST_MEMORY),
    SAKER_NAMED(CKR_SLOT_ID_INVALID),
    SAKER_NAMED(CKR_GENERAL_ERROR),
    SAKER_NAMED(CKR_FUNCTION_FAILED),
    SAKER_NAMED(CKR_ARGUMENTS_BAD),
    SAKER_NAMED(CKR_CANT_LOCK),
    SAKER_NAMED(CKR_ACTION_PROHIBITED),
    SAKER_NAMED(CKR_DATA_INVALID),
    SAKER_NAMED(CKR_DATA_LEN_RANGE),
    SAKER_NAMED(CKR_DEVICE_ERROR),
    SAKER_NAMED(CKR_DEVICE_MEMORY),
    SAKER_NAMED(CKR_DEVICE_REMOVED),
    SAKER_NAMED(CKR_FUNCTION_NOT_SUPPORTED),
    SAKER_NAMED(CKR_KEY_HANDLE_INVALID),
    SAKER_NAMED(CKR_KEY_SIZE_RANGE),
    SAKER_NAMED(CKR_KEY_TYPE_INCONSISTENT),
    SAKER_NAMED(CKR_KEY_FUNCTION_NOT_PERMITTED),
    SAKER_NAMED(CKR_MECHANISM_INVALID),
    SAKER_NAMED(CKR_MECHANISM_PARAM_INVALID),
    SAKER_NAMED(CKR_OBJECT_HANDLE_INVALID),
    SAKER_NAMED(CKR_OPERATION_ACTIVE),
    SAKER_NAMED(CKR_OPERATION_NOT_INITIALIZED),
    SAKER_NAMED(CKR_PIN_INCORRECT),
    SAKER_NAMED(CKR_PIN_INVALID),
    SAKER_NAMED(CKR_PIN_LEN_RANGE),
    SAKER_NAMED(CKR_PIN_EXPIRED),
    SAKER_NAMED(CKR_PIN_LOCKED),
    SAKER_NAMED(CKR_SESSION_CLOSED),
    SAKER_NAMED(CKR_SESSION_COUNT),
    SAKER_NAMED(CKR_SESSION_HANDLE_INVALID),
    SAKER_NAMED(CKR_TOKEN_NOT_PRESENT),
    SAKER_NAMED(CKR_TOKEN_NOT_RECOGNIZED),
    SAKER_NAMED(CKR_USER_NOT_LOGGED_IN),
    SAKER_NAMED(CKR_USER_PIN_NOT_INITIALIZED),
    SAKER_NAMED(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    SAKER_NAMED(CKR_BUFFER_TOO_SMALL),
    SAKER_NAMED(CKR_CRYPTOKI_NOT_INITIALIZED),
};
#undef SAKER_NAMED

std::unexpected<Error> fail_module(const std::string& path, const std::string& why) {
  return fail("PKCS#11 module " + path + ": " + why);
}

std::string last_dl_error(const std::string& path) {
  const char* const text = dlerror();
  std::string why = text != nullptr ? text : "cannot be loaded";
  if (why.starts_with(path + ": ")) why.erase(0, path.size() + 2);  // dlopen(3) names it too
  return why;
}

}  // namespace

std::string describe_pkcs11(ck_rv_t result) {
  const auto named = std::ranges::find(kNamedResults, result, &NamedResult::value);
  if (named != std::end(kNamedResults)) return named->name;
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), result, 16);
  return "CKR 0x" + std::string(digits.data(), end.ptr);
}

std::unexpected<Error> fail_pkcs11(std::string what, ck_rv_t result) {
  return fail(std::move(what) + ": " + describe_pkcs11(result));
}

// The library stays loaded for good: modules leave thread-local destructors and exit handlers
// behind, which would be jumped to.
Result<std::unique_ptr<Pkcs11Module>> Pkcs11Module::load(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail_module(path, last_dl_error(path));
  const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (get_list == nullptr) return fail_module(path, "is no PKCS#11 module");
  ck_function_list* functions = nullptr;
  ck_rv_t result = get_list(&functions);
  if (result != CKR_OK || functions == nullptr)
    return fail_module(path, "C_GetFunctionList: " + describe_pkcs11(result));
  // PKCS#11 2.40 section 5.4: it may use the system's own locks, and will be called by many threads.
  ck_c_initialize_args arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  result = functions->C_Initialize(&arguments);
  const bool owns = result == CKR_OK;
  if (!owns && result != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return fail_module(path, "C_Initialize: " + describe_pkcs11(result));
  return std::unique_ptr<Pkcs11Module>(new Pkcs11Module(path, functions, owns));
}

Pkcs11Module::~Pkcs11Module() {
  if (owns_) (void)functions_->C_Finalize(nullptr);
}

}  // namespace saker::crypto
