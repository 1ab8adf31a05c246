// `saker keys list` and `saker keys get`: the public side of the server's keys.
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "crypto_request.h"
#include "interrupt.h"
#include "output_file.h"
#include "saker/services/crypto/key_ring.h"

namespace saker::app {
namespace {

struct ListOptions {
  CryptoTarget target;
  uint64_t page_size = 0;
};

struct GetOptions {
  CryptoTarget target;
  KeyChoice key;
  std::string format = "pem";
  std::string out = "-";
};

std::string type_name(crypto::v1::KeyType type) {
  const auto known = crypto::key_type_from_number(type);
  return known ? std::string(crypto::name(*known)) : "unknown";
}

std::string state_name(crypto::v1::KeyState state) {
  const bool known = state >= crypto::v1::ENABLED && state <= crypto::v1::DESTROYED;
  return known ? std::string(crypto::name(static_cast<crypto::KeyState>(state))) : "unknown";
}

nlohmann::ordered_json describe(const crypto::v1::KeyInfo& info) {
  nlohmann::ordered_json document;
  document["name"] = info.name();
  document["type"] = type_name(info.type());
  document["version"] = info.version();
  document["state"] = state_name(info.state());
  document["resource_name"] = info.resource_name();
  document["versions"] = nlohmann::ordered_json::array();
  for (const auto& version : info.versions()) {
    document["versions"].push_back(
        {{"version", version.version()}, {"state", state_name(version.state())}});
  }
  document["default_of_type"] = info.default_of_type();
  document["algorithms"] = nlohmann::ordered_json::array();
  for (const int number : info.algorithms()) {
    const auto algorithm = crypto::algorithm_from_number(number);
    if (algorithm) document["algorithms"].push_back(crypto::name(*algorithm));
  }
  document["thumbprint"] = info.thumbprint();
  return document;
}

int run_list(const ListOptions& options) {
  static const rpc::ClientMethod list("/saker.crypto.v1.Crypto/ListKeys");
  const Interrupt interrupt(exit_interrupted);
  crypto::v1::ListKeysReply reply;  // of all pages
  crypto::v1::ListKeysRequest request;
  request.set_page_size(static_cast<uint32_t>(options.page_size));
  do {
    crypto::v1::ListKeysReply page;
    if (const int code = call_crypto(options.target, list, request, page)) return code;
    reply.MergeFrom(page);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (options.target.json) {
    auto document = nlohmann::ordered_json::array();
    for (const auto& info : reply.keys()) document.push_back(describe(info));
    std::cout << document.dump(2) << '\n';
    return kExitOk;
  }
  std::cout << std::left << std::setw(20) << "NAME" << std::setw(10) << "TYPE" << std::setw(9)
            << "VERSION" << std::setw(11) << "STATE" << std::setw(9) << "DEFAULT" << "THUMBPRINT\n";
  for (const auto& info : reply.keys()) {
    std::cout << std::setw(20) << info.name() << std::setw(10) << type_name(info.type())
              << std::setw(9) << info.version() << std::setw(11) << state_name(info.state())
              << std::setw(9) << (info.default_of_type() ? "yes" : "no") << info.thumbprint()
              << '\n';
  }
  return kExitOk;
}

int run_get(const GetOptions& options) {
  static const rpc::ClientMethod get("/saker.crypto.v1.Crypto/GetPublicKey");
  auto output = OutputFile::open(options.target.json ? "-" : options.out);
  if (!output) return fail_usage(output.error().message);
  const Interrupt interrupt([&](int count) {
    (*output)->discard();
    exit_interrupted(count);
  });
  crypto::v1::GetPublicKeyRequest request;
  set_key(options.key, request);
  crypto::v1::GetPublicKeyReply reply;
  if (const int code = call_crypto(options.target, get, request, reply)) return code;
  if (options.target.json) {
    auto document = describe(reply.key());
    document["pem"] = reply.pem();
    document["der"] = to_base64(reply.der());
    document["jwk"] = nlohmann::ordered_json::parse(reply.jwk(), nullptr, false);
    std::cout << document.dump(2) << '\n';
    return kExitOk;
  }
  const std::string bytes = options.format == "pem"   ? reply.pem()
                            : options.format == "der" ? reply.der()
                                                      : reply.jwk() + "\n";
  return report_written((*output)->write(bytes));
}

}  // namespace

void add_keys_command(CLI::App& app, int& exit_code) {
  CLI::App& command = *app.add_subcommand("keys", "the server's public keys");
  command.require_subcommand(1);
  const auto list = std::make_shared<ListOptions>();
  CLI::App& list_command = *command.add_subcommand("list", "all keys");
  add_crypto_target(list_command, list->target, KeyFlag::kTls);
  list_command.add_option("--page-size", list->page_size, "keys to ask for at a time (256)")
      ->check(CLI::Range(1U, 256U));
  list_command.footer("Example:\n  saker keys list vsock:42:50051");
  list_command.callback([list, &exit_code] { exit_code = run_list(*list); });

  const auto get = std::make_shared<GetOptions>();
  CLI::App& get_command = *command.add_subcommand("get", "one public key");
  add_crypto_target(get_command, get->target);
  add_key_choice(get_command, get->key);
  get_command.add_option("--format", get->format, "pem, der or jwk (pem)")
      ->check(CLI::IsMember({"pem", "der", "jwk"}));
  get_command.add_option("--out", get->out, "file for the key; - is standard output (-)");
  get_command.footer("Example:\n  saker keys get --key-type rsa-2048 --format pem --out rsa.pem");
  get_command.callback([get, &exit_code] { exit_code = run_get(*get); });
}

}  // namespace saker::app
