// `saker audit verify`: whether an audit log's chain, in one file or some, is whole. Exit code 0: it is; 1: it is not; 2: it
// cannot be read.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "interrupt.h"
#include "saker/services/crypto/audit_file.h"

namespace saker::app {
namespace {

struct VerifyOptions {
  std::vector<std::string> files;
  std::string after_hash;
  std::string last_hash;
  bool json = false;
};

void print_json(const crypto::AuditSummary& summary, const std::string& broken) {
  nlohmann::ordered_json document;
  document["whole"] = broken.empty();
  document["records"] = summary.records;
  document["last_hash"] = summary.last_hash;
  document["torn_bytes"] = summary.torn_bytes;
  if (!broken.empty()) document["broken"] = broken;
  std::cout << document.dump(2) << '\n';
}

int run_verify(const VerifyOptions& options) {
  const Interrupt interrupt(exit_interrupted);
  const auto begin = options.after_hash.empty() ? crypto::AuditChain()
                                                : crypto::AuditChain::behind(options.after_hash);
  const auto verified = crypto::verify_audit_files(options.files, begin);
  if (!verified && verified.error().system_error != 0) return fail_usage(verified.error().message);
  const crypto::AuditSummary summary = verified ? *verified : crypto::AuditSummary{};
  std::string broken = verified ? "" : verified.error().message;
  if (verified && !options.last_hash.empty() && options.last_hash != summary.last_hash)
    broken = options.files.back() + ": does not end with the record whose hash was given";
  if (options.json) {
    print_json(summary, broken);
  } else if (broken.empty()) {
    std::cout << "whole: " << summary.records << " records, the last one's hash is "
              << summary.last_hash << '\n';
    if (summary.torn_bytes != 0)
      std::cout << summary.torn_bytes << " bytes of a torn record behind it\n";
  } else {
    std::cout << "NOT whole: " << broken << '\n';
  }
  return broken.empty() ? kExitOk : kExitFailed;
}

}  // namespace

void add_audit_command(CLI::App& app, int& exit_code) {
  CLI::App& command = *app.add_subcommand("audit", "audit logs of the signing service");
  command.require_subcommand(1);
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App& verify =
      *command.add_subcommand("verify", "check a log's chain, or name its broken line");
  verify.add_option("FILE", options->files, "the log: its files, the oldest first")->required();
  verify.add_option("--after-hash", options->after_hash,
                    "of the last record before these files, where older ones are gone");
  verify.add_option(
      "--last-hash", options->last_hash,
      "the last record's hash, as it was noted elsewhere: nothing may be missing, and "
      "nothing rewritten by one who recomputed the chain, which has no key");
  verify.add_flag("--json", options->json, "print one JSON document");
  verify.footer(
      "Examples:\n"
      "  saker audit verify /var/log/saker/audit.log\n"
      "  saker audit verify /var/log/saker/audit.log.1 /var/log/saker/audit.log");
  verify.callback([options, &exit_code] { exit_code = run_verify(*options); });
}

}  // namespace saker::app
