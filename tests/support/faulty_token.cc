// A PKCS#11 module that is another one ($SAKER_TOKEN_BEHIND) with faults: it does what the word in the
// file $SAKER_TOKEN_FAULT says, read at every call, and notes each login in $SAKER_TOKEN_LOGINS.
//
//   (none)     nothing but what the module behind it does
//   sessions   all sessions are closed, once: a token that was reset
//   removed    the token is not there
//   broken     it is there, and every signature fails
//   wrong-N    signatures by mechanism N have a bit changed
//   attributes it is there, and shows no CKA_ID: the device fails
//   silent     it does not answer when it is asked for its objects; $SAKER_TOKEN_FAULT.asked says that it was
//   final-try  says that one more wrong PIN would lock it
//   locked     says that its PIN is locked
#define CRYPTOKI_GNU 1
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

ck_function_list real;
ck_function_list faulty;

std::string file_named_by(const char* variable) {
  const char* const path = std::getenv(variable);
  return path != nullptr ? path : "";
}

std::string fault() {
  std::string word;
  std::ifstream(file_named_by("SAKER_TOKEN_FAULT")) >> word;
  return word;
}

void close_all_sessions_once() {
  std::ofstream(file_named_by("SAKER_TOKEN_FAULT"), std::ios::trunc).flush();
  ck_slot_id_t slots[64];
  unsigned long count = 64;
  if (real.C_GetSlotList(1, slots, &count) != CKR_OK) return;
  for (unsigned long at = 0; at < count; ++at) real.C_CloseAllSessions(slots[at]);
}

// C_SignInit and C_Sign of one signature are called by one thread.
thread_local bool makes_wrong = false;

ck_rv_t sign_init(ck_session_handle_t session, ck_mechanism* mechanism, ck_object_handle_t key) {
  const std::string word = fault();
  if (word == "removed") return CKR_DEVICE_REMOVED;
  if (word == "broken") return CKR_VENDOR_DEFINED + 7;
  if (word == "sessions") close_all_sessions_once();
  makes_wrong = word == "wrong-" + std::to_string(mechanism->mechanism);
  return real.C_SignInit(session, mechanism, key);
}

ck_rv_t sign(ck_session_handle_t session, unsigned char* data, unsigned long size,
             unsigned char* signature, unsigned long* signature_size) {
  const ck_rv_t result = real.C_Sign(session, data, size, signature, signature_size);
  if (result == CKR_OK && makes_wrong) signature[*signature_size - 1] ^= 1;
  return result;
}

// Like OpenSC's, which looks for readers when it is asked for the number of slots, and else answers
// with what it saw then.
std::atomic<bool> seen = true;

ck_rv_t get_slot_list(unsigned char token_present, ck_slot_id_t* slots, unsigned long* count) {
  const bool is_there = fault() != "removed";
  if (slots == nullptr || !is_there) seen = is_there;
  if (seen) return real.C_GetSlotList(token_present, slots, count);
  *count = 0;
  return CKR_OK;
}

ck_rv_t get_attribute_value(ck_session_handle_t session, ck_object_handle_t object,
                            ck_attribute* attributes, unsigned long count) {
  if (count == 1 && attributes->type == CKA_ID && fault() == "attributes") return CKR_DEVICE_ERROR;
  return real.C_GetAttributeValue(session, object, attributes, count);
}

ck_rv_t get_token_info(ck_slot_id_t slot, ck_token_info* info) {
  const ck_rv_t result = real.C_GetTokenInfo(slot, info);
  const std::string word = fault();
  if (word == "final-try") info->flags |= CKF_USER_PIN_FINAL_TRY;
  if (word == "locked") info->flags |= CKF_USER_PIN_LOCKED;
  return result;
}

void wait_for_good() {
  std::ofstream(file_named_by("SAKER_TOKEN_FAULT") + ".asked").flush();
  for (;;) pause();
}

ck_rv_t find_objects_init(ck_session_handle_t session, ck_attribute* wanted, unsigned long count) {
  const std::string word = fault();
  if (word == "removed") return CKR_DEVICE_REMOVED;
  if (word == "silent") wait_for_good();
  return real.C_FindObjectsInit(session, wanted, count);
}

ck_rv_t log_in(ck_session_handle_t session, ck_user_type_t user, unsigned char* pin,
               unsigned long size) {
  const ck_rv_t result = real.C_Login(session, user, pin, size);
  std::ofstream(file_named_by("SAKER_TOKEN_LOGINS"), std::ios::app) << result << std::endl;
  return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ck_rv_t
C_GetFunctionList(ck_function_list** list) {
  void* const library = dlopen(file_named_by("SAKER_TOKEN_BEHIND").c_str(), RTLD_NOW);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  ck_function_list* behind = nullptr;
  if (get_list == nullptr || get_list(&behind) != CKR_OK) return CKR_GENERAL_ERROR;
  real = *behind;
  faulty = real;
  faulty.C_SignInit = sign_init;
  faulty.C_Sign = sign;
  faulty.C_GetSlotList = get_slot_list;
  faulty.C_GetTokenInfo = get_token_info;
  faulty.C_FindObjectsInit = find_objects_init;
  faulty.C_GetAttributeValue = get_attribute_value;
  faulty.C_Login = log_in;
  *list = &faulty;
  return CKR_OK;
}
