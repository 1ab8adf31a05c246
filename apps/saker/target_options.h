// TargetOptions: the server that a client command talks to, and how: its address, and TLS. One
// declaration of these options for all commands.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "saker/base/result.h"
#include "saker/net/address.h"
#include "saker/rpc/client_options.h"

namespace saker::app {

struct TargetOptions {
  net::Address address;
  bool tls = false;  // asked for; any of the following asks, too
  bool plaintext = false;
  std::string ca;           // PEM files; empty: none
  std::string certificate;  // our own
  std::string key;
  std::string server_name;
  bool skip_verify = false;

  bool uses_tls() const;
};

// What --key means in a command.
enum class KeyFlag : uint8_t {
  kTls,      // free: another name of --tls-key
  kSigning,  // the name of a key to sign with
};

// TARGET, --tls, --ca, --tls-cert, --tls-key, --server-name, --skip-verify, --plaintext.
void add_target_options(CLI::App& command, TargetOptions& out, KeyFlag key = KeyFlag::kTls);

// Reads the files and tells `channel` of them; leaves it alone where TLS is not asked for.
Result<void> use_target_tls(const TargetOptions& target, rpc::ChannelOptions& channel);

}  // namespace saker::app
