// Pkcs11Token: one token, logged in to, and the sessions that signers work in. A session is used by
// one thread at a time (PKCS#11 2.40 section 5.6) and rests in a pool in between, so that there are
// as many as there were threads at once, and one more, which holds the login: it ends with the last
// session. Every loss is a new generation: sessions and object handles of older ones are void.
//
//   works ──a call fails──▶ lost ──take(): token found, session opened, logged in──▶ works
//                            └──not yet: at most one attempt a second──┘
//
// Thread rule: any thread; one mutex, held for a few assignments and never while the module works.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "saker/services/crypto/key_token.h"
#include "saker/services/crypto/pkcs11_module.h"
#include "saker/services/crypto/secrets.h"

namespace saker::crypto {

struct Pkcs11Session {
  ck_session_handle_t handle = 0;
  uint64_t generation = 0;
};

class Pkcs11Token final : public KeyToken, public std::enable_shared_from_this<Pkcs11Token> {
 public:
  static Result<std::shared_ptr<Pkcs11Token>> open(const TokenOptions& options);
  ~Pkcs11Token() override;

  Result<TokenKeys> load_keys() override;
  bool works() const override { return works_.load(std::memory_order_relaxed); }
  void set_report(std::function<void(const std::string&)> report) override;

  const Pkcs11Module& module() const { return *module_; }
  const std::string& label() const { return label_; }
  // Whether it signs with it; an error says nothing of that.
  std::expected<bool, ck_rv_t> has_mechanism(ck_mechanism_type_t mechanism) const;

  // A session that is logged in; it goes to give_back(), or to lose() with what became of it.
  Result<Pkcs11Session> take();
  void give_back(Pkcs11Session session);
  void lose(Pkcs11Session session, ck_rv_t why);

 private:
  struct Slot {
    ck_slot_id_t id = 0;
    ck_flags_t flags = 0;
  };

  Pkcs11Token(const TokenOptions& options, std::unique_ptr<Pkcs11Module> module)
      : options_(options), label_(options.label), module_(std::move(module)) {}

  Result<Slot> find_slot();
  std::expected<ck_session_handle_t, ck_rv_t> open_session(ck_slot_id_t slot) const;
  std::unexpected<Error> no_session(ck_rv_t why) const;
  void close_session(ck_session_handle_t session) const;
  bool is_logged_in(ck_session_handle_t session) const;
  Result<void> log_in(ck_session_handle_t session, ck_flags_t flags);
  Result<void> connect();
  Result<void> reconnect();
  void allow_attempt();  // though the last one was less than a second ago
  void mark_lost(uint64_t generation, const std::string& why);
  void report(const std::string& what);

  const TokenOptions options_;
  std::string label_;  // where none was asked for, of the only token
  const std::unique_ptr<Pkcs11Module> module_;
  std::optional<SecretVector> refused_pin_;  // of whoever connects
  std::atomic<bool> works_{true};

  mutable std::mutex mutex_;
  std::vector<Pkcs11Session> idle_;
  Pkcs11Session login_;
  ck_slot_id_t slot_ = 0;
  bool connecting_ = false;
  std::string why_lost_;
  std::chrono::steady_clock::time_point next_attempt_{};
  std::function<void(const std::string&)> report_;
};

}  // namespace saker::crypto
