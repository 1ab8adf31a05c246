// What `saker sign`, `saker verify` and `saker keys` have in common: naming a key, an algorithm and
// an input on the command line, and calling the Crypto service. Knows no command of its own.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "command_line.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/rpc/blocking_client.h"
#include "saker/services/crypto/algorithm.h"
#include "target_options.h"

namespace saker::app {

// How the service is called.
struct CryptoTarget {
  TargetOptions target;
  grpc::Metadata metadata;
  Duration deadline = std::chrono::seconds(10);
  bool wait_for_ready = false;
  bool json = false;
};

struct KeyChoice {
  std::string name;
  std::optional<crypto::KeyType> type;
  uint64_t version = 0;  // 0: the server chooses
};

struct SigningInput {
  KeyChoice key;
  std::optional<crypto::Algorithm> algorithm;
  std::string file = "-";  // "-": standard input
  bool is_digest = false;
  crypto::SignatureFormat format = crypto::SignatureFormat::kDer;
};

// `key`: what --key means in this command.
void add_crypto_target(CLI::App& command, CryptoTarget& out, KeyFlag key = KeyFlag::kSigning);
// --key NAME | --key-type TYPE: one of them; --key-version N.
// The group of the first two.
CLI::Option_group* add_key_choice(CLI::App& command, KeyChoice& out);
// --algorithm NAME, required.
CLI::Option* add_algorithm(CLI::App& command, std::optional<crypto::Algorithm>& out);
// --algorithm --in --digest --signature-format, and the key.
void add_signing_input(CLI::App& command, SigningInput& out);

Result<std::string> read_input(const std::string& file);
// To the file, or to standard output for "-"; the error names the file.
Result<void> write_output(const std::string& file, std::string_view bytes);
std::string to_base64(std::string_view bytes);

// The digest of a message that is too long for the service.
Result<std::string> hash_input(crypto::Algorithm algorithm, std::string_view message);
// CRC-32C.
uint32_t checksum(std::string_view bytes);

template <typename Request>
void set_key(const KeyChoice& key, Request& request) {
  if (key.type) {
    request.set_key_type(static_cast<crypto::v1::KeyType>(*key.type));
  } else {
    request.set_key_name(key.name);
  }
  request.set_key_version(static_cast<uint32_t>(key.version));
}

// Fills key, algorithm and format of a request that signs or verifies.
template <typename Request>
void set_signing(const SigningInput& input, Request& request) {
  set_key(input.key, request);
  request.set_algorithm(static_cast<crypto::v1::Algorithm>(*input.algorithm));
  request.set_signature_format(static_cast<crypto::v1::SignatureFormat>(input.format));
}

// The input of a Sign or Verify request, with its checksum.
template <typename Request>
void set_input(std::string bytes, bool is_digest, Request& request) {
  request.set_input_crc32c(checksum(bytes));
  (is_digest ? *request.mutable_digest() : *request.mutable_message()) = std::move(bytes);
}

// Prints what is not OK to stderr; the exit code for it.
int report_status(const grpc::Status& status);

// Connects when it is used.
Result<std::unique_ptr<rpc::BlockingClient>> make_client(const CryptoTarget& target);

// One call; the error has been printed when the exit code is not kExitOk.
template <typename Request, typename Reply>
int call_crypto(const CryptoTarget& target, const rpc::ClientMethod& method, const Request& request,
                Reply& reply) {
  auto client = make_client(target);
  if (!client) return fail_usage(client.error().message);
  rpc::BlockingContext context;
  context.timeout = target.deadline;
  context.wait_for_ready = target.wait_for_ready;
  context.metadata = target.metadata;
  const grpc::Status status = (*client)->call(method, request, reply, context);
  return report_status(status);
}
}  // namespace saker::app
