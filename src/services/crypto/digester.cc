#include "saker/services/crypto/digester.h"

#include "saker/services/crypto/openssl_handles.h"

namespace saker::crypto {
namespace {

constexpr const char* kNames[kHashes] = {"SHA256", "SHA384", "SHA512"};

}  // namespace

// One context per hash: a context that changes its hash frees and allocates its state (OpenSSL 3.0,
// EVP_DigestInit_ex2).
struct Digester::Contexts {
  DigestMethod methods[kHashes];
  DigestContext contexts[kHashes];
};

Digester::Digester(std::unique_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;
Digester::~Digester() = default;

Result<Digester> Digester::make() {
  auto contexts = std::make_unique<Contexts>();
  for (size_t i = 0; i < kHashes; ++i) {
    contexts->methods[i].reset(EVP_MD_fetch(nullptr, kNames[i], nullptr));
    contexts->contexts[i].reset(EVP_MD_CTX_new());
    if (contexts->methods[i] == nullptr || contexts->contexts[i] == nullptr)
      return fail_openssl(std::string("cannot set up ") + kNames[i]);
  }
  return Digester(std::move(contexts));
}

size_t Digester::digest(Hash hash, Bytes message, MutableBytes out) {
  const auto index = static_cast<size_t>(hash);
  EVP_MD_CTX* const context = contexts_->contexts[index].get();
  unsigned int length = 0;
  if (EVP_DigestInit_ex2(context, contexts_->methods[index].get(), nullptr) == 1 &&
      EVP_DigestUpdate(context, message.data(), message.size()) == 1 &&
      EVP_DigestFinal_ex(context, out.data(), &length) == 1) {
    return length;
  }
  ERR_clear_error();
  return 0;
}

// ---- in pieces

struct PieceDigester::State {
  DigestMethod method;
  DigestContext context;
};

PieceDigester::PieceDigester(std::unique_ptr<State> state) : state_(std::move(state)) {}
PieceDigester::PieceDigester(PieceDigester&&) noexcept = default;
PieceDigester::~PieceDigester() = default;

Result<PieceDigester> PieceDigester::make(Hash hash) {
  const char* const hash_name = kNames[static_cast<size_t>(hash)];
  auto state = std::make_unique<State>();
  state->method.reset(EVP_MD_fetch(nullptr, hash_name, nullptr));
  state->context.reset(EVP_MD_CTX_new());
  if (state->method == nullptr || state->context == nullptr ||
      EVP_DigestInit_ex2(state->context.get(), state->method.get(), nullptr) != 1)
    return fail_openssl(std::string("cannot set up ") + hash_name);
  return PieceDigester(std::move(state));
}

bool PieceDigester::update(Bytes piece) {
  if (EVP_DigestUpdate(state_->context.get(), piece.data(), piece.size()) == 1) return true;
  ERR_clear_error();
  return false;
}

size_t PieceDigester::finish(MutableBytes out) {
  unsigned int length = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), out.data(), &length) == 1) return length;
  ERR_clear_error();
  return 0;
}

}  // namespace saker::crypto
