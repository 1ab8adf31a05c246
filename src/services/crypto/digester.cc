#include "saker/services/crypto/digester.h"

#include "saker/services/crypto/openssl_handles.h"

namespace saker::crypto {

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
  constexpr const char* kNames[kHashes] = {"SHA256", "SHA384", "SHA512"};
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

}  // namespace saker::crypto
