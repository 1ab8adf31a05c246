#include "saker/services/crypto/pkcs11_token.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "saker/services/crypto/durable_file.h"

namespace saker::crypto {
namespace {

constexpr auto kReconnectInterval = std::chrono::seconds(1);
constexpr unsigned long kMaxSlots = 1024;

// Labels are padded with blanks (PKCS#11 2.40 section 3.2).
std::string text_of_label(const unsigned char (&label)[32]) {
  std::string_view text(reinterpret_cast<const char*>(label), sizeof label);
  while (text.ends_with(' ') || text.ends_with('\0')) text.remove_suffix(1);
  return std::string(text);
}

std::string list_of(const std::vector<std::string>& labels) {
  std::string list;
  for (const std::string& label : labels) list += (list.empty() ? "'" : ", '") + label + "'";
  return list;
}

// Why a token that is there does not let us in, from its flags; what it would take.
Result<void> check_pin_flags(const std::string& label, ck_flags_t flags) {
  if ((flags & CKF_USER_PIN_LOCKED) != 0)
    return fail("token '" + label + "': its PIN is locked: unlock it with the token's own tool");
  if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
    return fail("token '" + label +
                "': one more wrong PIN would lock it: log in with the token's own tool first");
  return {};
}

}  // namespace

Result<std::shared_ptr<KeyToken>> open_pkcs11_token(const TokenOptions& options) {
  return Pkcs11Token::open(options);
}

Result<std::shared_ptr<Pkcs11Token>> Pkcs11Token::open(const TokenOptions& options) {
  auto module = Pkcs11Module::load(options.module);
  if (!module) return std::unexpected(module.error());
  std::shared_ptr<Pkcs11Token> token(new Pkcs11Token(options, *std::move(module)));
  if (auto connected = token->connect(); !connected) return std::unexpected(connected.error());
  return token;
}

Pkcs11Token::~Pkcs11Token() {
  for (const Pkcs11Session& session : idle_) close_session(session.handle);
  if (login_.generation != 0) close_session(login_.handle);
}

void Pkcs11Token::set_report(std::function<void(const std::string&)> report) {
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

void Pkcs11Token::report(const std::string& what) {
  std::function<void(const std::string&)> told;
  {
    const std::lock_guard lock(mutex_);
    told = report_;
  }
  if (told) told(what);
}

std::expected<bool, ck_rv_t> Pkcs11Token::has_mechanism(ck_mechanism_type_t mechanism) const {
  ck_mechanism_info info{};
  ck_slot_id_t slot = 0;
  {
    const std::lock_guard lock(mutex_);
    slot = slot_;
  }
  const ck_rv_t result = (*module_)->C_GetMechanismInfo(slot, mechanism, &info);
  if (result == CKR_MECHANISM_INVALID) return false;
  if (result != CKR_OK) return std::unexpected(result);
  return (info.flags & CKF_SIGN) != 0;
}

// ---- sessions

Result<Pkcs11Session> Pkcs11Token::take() {
  if (!works()) {
    if (auto connected = reconnect(); !connected) return std::unexpected(connected.error());
  }
  Pkcs11Session session;
  ck_slot_id_t slot = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      session = idle_.back();
      idle_.pop_back();
      return session;
    }
    session.generation = login_.generation;
    slot = slot_;
  }
  const auto opened = open_session(slot);
  if (!opened) {
    // The token is well, and has no more of them: whoever gives one back makes room.
    if (opened.error() != CKR_SESSION_COUNT)
      mark_lost(session.generation, describe_pkcs11(opened.error()));
    return no_session(opened.error());
  }
  session.handle = *opened;
  return session;
}

void Pkcs11Token::give_back(Pkcs11Session session) {
  {
    const std::lock_guard lock(mutex_);
    if (session.generation == login_.generation) {
      idle_.push_back(session);
      return;
    }
  }
  close_session(session.handle);
}

void Pkcs11Token::lose(Pkcs11Session session, ck_rv_t why) {
  close_session(session.handle);
  mark_lost(session.generation, describe_pkcs11(why));
}

// Losses of an older generation are no news.
void Pkcs11Token::mark_lost(uint64_t generation, const std::string& why) {
  std::vector<Pkcs11Session> idle;
  {
    const std::lock_guard lock(mutex_);
    if (generation != login_.generation || !works_.exchange(false)) return;
    idle.swap(idle_);
    why_lost_ = why;
  }
  for (const Pkcs11Session& session : idle) close_session(session.handle);
  report("token '" + label_ + "' is lost (" + why +
         "): signatures end UNAVAILABLE until it is back");
}

std::expected<ck_session_handle_t, ck_rv_t> Pkcs11Token::open_session(ck_slot_id_t slot) const {
  ck_session_handle_t session = 0;
  const ck_rv_t result =
      (*module_)->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  if (result != CKR_OK) return std::unexpected(result);
  return session;
}

std::unexpected<Error> Pkcs11Token::no_session(ck_rv_t why) const {
  return fail_pkcs11("token '" + label_ + "': cannot open a session", why);
}

void Pkcs11Token::close_session(ck_session_handle_t session) const {
  (void)(*module_)->C_CloseSession(session);
}

// ---- to the token, and to it again

// Asking for the number alone is what has a module look for readers and tokens that have come
// meanwhile (PKCS#11 2.40 section 5.5); OpenSC does so at no other time.
Result<Pkcs11Token::Slot> Pkcs11Token::find_slot() {
  unsigned long count = 0;
  ck_rv_t listed = (*module_)->C_GetSlotList(1, nullptr, &count);
  std::vector<ck_slot_id_t> slots(kMaxSlots);
  count = slots.size();
  if (listed == CKR_OK) listed = (*module_)->C_GetSlotList(1, slots.data(), &count);
  if (listed != CKR_OK)
    return fail_pkcs11("PKCS#11 module " + module_->path() + ": cannot list its slots", listed);
  slots.resize(std::min(count, kMaxSlots));
  std::vector<std::string> labels;
  std::vector<Slot> found;
  for (const ck_slot_id_t id : slots) {
    ck_token_info info{};
    if ((*module_)->C_GetTokenInfo(id, &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    labels.push_back(text_of_label(info.label));
    if (label_.empty() || labels.back() == label_) found.push_back({id, info.flags});
  }
  if (labels.empty()) return fail("PKCS#11 module " + module_->path() + ": no token is there");
  if (found.empty())
    return fail("no token is labelled '" + label_ + "': there is " + list_of(labels));
  if (found.size() > 1 && label_.empty())
    return fail("there is more than one token: name one with --pkcs11-token: " + list_of(labels));
  if (found.size() > 1) return fail("more than one token is labelled '" + label_ + "'");
  if (label_.empty()) label_ = labels.front();
  return found.front();
}

bool Pkcs11Token::is_logged_in(ck_session_handle_t session) const {
  ck_session_info info{};
  return (*module_)->C_GetSessionInfo(session, &info) == CKR_OK &&
         (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

// Logins are the process's: other sessions of it may have one already.
Result<void> Pkcs11Token::log_in(ck_session_handle_t session, ck_flags_t flags) {
  if ((flags & CKF_LOGIN_REQUIRED) == 0 || is_logged_in(session)) return {};
  if (auto allowed = check_pin_flags(label_, flags); !allowed) return allowed;
  auto pin = read_passphrase(options_.pin_file);
  if (!pin) return std::unexpected(pin.error());
  const std::string refused = "token '" + label_ + "' refuses the PIN of " + options_.pin_file +
                              ", which is not tried again";
  if (refused_pin_ && std::ranges::equal(refused_pin_->span(), pin->span())) return fail(refused);
  const ck_rv_t result = (*module_)->C_Login(session, CKU_USER, pin->data(), pin->size());
  if (result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN) return {};
  const bool is_pin = result == CKR_PIN_INCORRECT || result == CKR_PIN_INVALID ||
                      result == CKR_PIN_LEN_RANGE || result == CKR_PIN_EXPIRED ||
                      result == CKR_PIN_LOCKED;
  if (!is_pin) return fail_pkcs11("token '" + label_ + "': cannot log in", result);
  refused_pin_ = *std::move(pin);
  return fail_pkcs11(refused, result);
}

// The new login is there before the old one ends.
Result<void> Pkcs11Token::connect() {
  const auto slot = find_slot();
  if (!slot) return std::unexpected(slot.error());
  const auto session = open_session(slot->id);
  if (!session) return no_session(session.error());
  if (auto logged_in = log_in(*session, slot->flags); !logged_in) {
    close_session(*session);
    return logged_in;
  }
  Pkcs11Session before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(login_, {*session, login_.generation + 1});
    slot_ = slot->id;
  }
  if (before.generation != 0) close_session(before.handle);
  return {};
}

void Pkcs11Token::allow_attempt() {
  const std::lock_guard lock(mutex_);
  next_attempt_ = {};
}

// One thread tries, the others are told at once that it is still lost.
Result<void> Pkcs11Token::reconnect() {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (works_) return {};
    if (connecting_ || now < next_attempt_) return fail("token '" + label_ + "' is lost");
    connecting_ = true;
  }
  const auto connected = connect();
  const std::string why = connected ? std::string() : connected.error().message;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    connecting_ = false;
    next_attempt_ = std::chrono::steady_clock::now() + kReconnectInterval;
    works_ = connected.has_value();
    is_news = std::exchange(why_lost_, why) != why;
  }
  if (connected) {
    report("token '" + label_ + "' is back");
  } else if (is_news) {
    report(why);
  }
  return connected;
}

}  // namespace saker::crypto
