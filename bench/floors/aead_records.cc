// The floor of TLS: AES-128-GCM over records in memory, as TLS 1.3 has them (RFC 8446 section 5.2),
// without sockets, state or copies around it.
//   aead_records open|seal PLAINTEXT_BYTES RECORDS
// Prints {"cpu_ns_per_record": N}.
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

namespace {

constexpr int kTagBytes = 16;
constexpr std::array<uint8_t, 5> kHead = {23, 3, 3, 0, 0};  // what is authenticated beside the text
constexpr std::array<uint8_t, 16> kKey = {1, 2, 3};
constexpr std::array<uint8_t, 12> kNonce = {};

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Cipher make_cipher(bool sealing) {
  Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  EVP_CipherInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, kKey.data(), kNonce.data(),
                    sealing ? 1 : 0);
  return cipher;
}

bool seal(EVP_CIPHER_CTX* cipher, const std::vector<uint8_t>& text, std::vector<uint8_t>& out) {
  int size = 0;
  return EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, kNonce.data(), -1) == 1 &&
         EVP_CipherUpdate(cipher, nullptr, &size, kHead.data(), kHead.size()) == 1 &&
         EVP_CipherUpdate(cipher, out.data(), &size, text.data(), static_cast<int>(text.size())) ==
             1 &&
         EVP_CipherFinal_ex(cipher, out.data() + size, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out.data() + text.size()) ==
             1;
}

bool open(EVP_CIPHER_CTX* cipher, std::vector<uint8_t>& sealed, std::vector<uint8_t>& out) {
  const int text = static_cast<int>(sealed.size()) - kTagBytes;
  int size = 0;
  return EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, kNonce.data(), -1) == 1 &&
         EVP_CipherUpdate(cipher, nullptr, &size, kHead.data(), kHead.size()) == 1 &&
         EVP_CipherUpdate(cipher, out.data(), &size, sealed.data(), text) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kTagBytes, sealed.data() + text) == 1 &&
         EVP_CipherFinal_ex(cipher, out.data() + size, &size) == 1;
}

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 4 ? argv[1] : "";
  if (what != "open" && what != "seal") {
    std::fprintf(stderr, "usage: aead_records open|seal PLAINTEXT_BYTES RECORDS\n");
    return 2;
  }
  const long records = std::atol(argv[3]);
  std::vector<uint8_t> text(static_cast<size_t>(std::atol(argv[2])), 'x');
  std::vector<uint8_t> sealed(text.size() + kTagBytes);
  const Cipher sealer = make_cipher(true);
  const Cipher opener = make_cipher(false);
  bool good = seal(sealer.get(), text, sealed) && open(opener.get(), sealed, text);
  const double start = cpu_ns();
  for (long at = 0; at < records && good; ++at) {
    good = what == "seal" ? seal(sealer.get(), text, sealed) : open(opener.get(), sealed, text);
  }
  if (!good) return 1;
  std::printf("{\"cpu_ns_per_record\": %.1f}\n", (cpu_ns() - start) / static_cast<double>(records));
}
