#include "crypto_request.h"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "printable.h"
#include "read_file.h"
#include "saker/base/crc32c.h"
#include "saker/grpc/base64.h"
#include "saker/services/crypto/digester.h"
#include "saker/services/crypto/signing_limits.h"

namespace saker::app {
namespace {

Result<crypto::KeyType> parse_type(std::string_view text) {
  if (const auto type = crypto::parse_key_type(text)) return *type;
  std::string known;
  for (const auto type : crypto::kKeyTypes) known += " " + std::string(crypto::name(type));
  return fail("\"" + std::string(text) + "\" is no key type; there are" + known);
}

Result<crypto::Algorithm> parse_algorithm_name(std::string_view text) {
  if (const auto algorithm = crypto::parse_algorithm(text)) return *algorithm;
  std::string known;
  for (const auto each : crypto::kAlgorithms) known += "\n  " + std::string(crypto::name(each));
  return fail("\"" + std::string(text) + "\" is no algorithm; there are" + known);
}

Result<crypto::SignatureFormat> parse_format(std::string_view text) {
  if (text == "der") return crypto::SignatureFormat::kDer;
  if (text == "p1363") return crypto::SignatureFormat::kP1363;
  return fail("\"" + std::string(text) + "\" is no signature format; there are der and p1363");
}

// A value of an optional, by a parser of the plain type.
template <typename T, Result<T> (*kParse)(std::string_view)>
Result<std::optional<T>> parse_optional(std::string_view text) {
  auto value = kParse(text);
  if (!value) return std::unexpected(value.error());
  return std::optional<T>(*value);
}

}  // namespace

void add_crypto_target(CLI::App& command, CryptoTarget& out, KeyFlag key) {
  add_target_options(command, out.target, key);
  add_positive_duration(command, "--deadline", out.deadline,
                        "how long to wait for the answer (10s)");
  command.add_flag("--wait-for-ready", out.wait_for_ready,
                   "wait for the server within the deadline instead of failing");
  command.add_flag("--json", out.json, "print one JSON document");
}

CLI::Option_group* add_key_choice(CLI::App& command, KeyChoice& out) {
  auto* group = command.add_option_group("key", "which key: one of these");
  group->add_option("--key", out.name, "its name");
  const auto parse = parse_optional<crypto::KeyType, parse_type>;
  add_parsed<std::optional<crypto::KeyType>>(
      *group, "--key-type", out.type, parse,
      "the default key of this type: rsa-2048 rsa-3072 rsa-4096 ec-p256 ec-p384");
  group->require_option(1);
  command.add_option("--key-version", out.version, "its version (the newest enabled one)")
      ->check(CLI::Range(1U, UINT32_MAX));
  return group;
}

CLI::Option* add_algorithm(CLI::App& command, std::optional<crypto::Algorithm>& out) {
  const auto parse = parse_optional<crypto::Algorithm, parse_algorithm_name>;
  return add_parsed<std::optional<crypto::Algorithm>>(
             command, "--algorithm", out, parse,
             "RSA_PKCS1_V15_SHA256|384|512, RSA_PSS_SHA256|384|512, ECDSA_P256_SHA256, "
             "ECDSA_P384_SHA384")
      ->required();
}

void add_signing_input(CLI::App& command, SigningInput& out) {
  add_key_choice(command, out.key);
  add_algorithm(command, out.algorithm);
  command.add_option("--in", out.file, "file to sign; - is standard input (-)");
  command.add_flag("--digest", out.is_digest, "the input is the message's digest, in raw bytes");
  add_parsed<crypto::SignatureFormat>(command, "--signature-format", out.format, parse_format,
                                      "der or p1363: how an ECDSA signature is written (der)");
}

Result<std::string> read_input(const std::string& file) {
  auto bytes = read_file(file);
  if (!bytes) return fail("can't read " + bytes.error().message);
  return bytes;
}

Result<void> write_output(const std::string& file, std::string_view bytes) {
  std::FILE* out = file == "-" ? stdout : std::fopen(file.c_str(), "wb");
  if (out == nullptr) return fail_errno("can't write " + file, errno);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  const bool flushed = std::fflush(out) == 0;
  const int error = errno;
  if (out != stdout) (void)std::fclose(out);  // it is flushed, or has failed
  if (!written || !flushed) return fail_errno("can't write " + file, error);
  return {};
}

std::string to_base64(std::string_view bytes) {
  std::string text(grpc::base64_encoded_size(bytes.size()), '\0');
  grpc::base64_encode(as_bytes(bytes), text.data());
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Result<std::string> hash_input(crypto::Algorithm algorithm, std::string_view message) {
  auto digester = crypto::Digester::make();
  if (!digester) return std::unexpected(digester.error());
  std::array<uint8_t, crypto::kMaxDigestBytes> digest;
  const size_t size = digester->digest(crypto::hash_of(algorithm), as_bytes(message), digest);
  if (size == 0) return fail("hashing the input failed");
  return std::string(as_text(Bytes(digest).first(size)));
}

uint32_t checksum(std::string_view bytes) {
  return crc32c(as_bytes(bytes));
}

int report_status(const grpc::Status& status) {
  if (status.ok()) return kExitOk;
  std::cerr << "saker: " << grpc::status_code_name(status.code) << ": " << printable(status.message)
            << '\n';
  return exit_code_of(status);
}

Result<std::unique_ptr<rpc::BlockingClient>> make_client(const CryptoTarget& target) {
  rpc::ChannelOptions channel;
  if (auto used = use_target_tls(target.target, channel); !used) {
    return std::unexpected(used.error());
  }
  return rpc::BlockingClient::create(target.target.servers, channel);
}

}  // namespace saker::app
