// saker doctor: what this machine can do for Saker, a line each.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.h"
#include "commands.h"
#include "doctor_checks.h"

namespace saker::app {
namespace {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kMissing:
      return "missing";
    case Verdict::kNote:
      return "note";
  }
  return "";
}

std::string padded(std::string text, size_t width) {
  return text.append(text.size() < width ? width - text.size() : 1, ' ');
}

void print_text(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::cout << padded(finding.name, 17) << padded(name_of(finding.verdict), 9) << finding.found;
    if (!finding.mend.empty()) std::cout << "; " << finding.mend;
    std::cout << '\n';
  }
}

void print_json(const std::vector<Finding>& findings) {
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    document.push_back({{"name", finding.name},
                        {"verdict", name_of(finding.verdict)},
                        {"found", finding.found},
                        {"mend", finding.mend}});
  }
  std::cout << document.dump(2) << '\n';
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command =
      *app.add_subcommand("doctor", "what this machine can do, and how to mend what it cannot");
  command.add_flag("--json", *json, "print one JSON document");
  command.footer(
      "ok: there; missing: Saker could use it, and how to mend it; note: nothing to do.\n"
      "Looks only: changes nothing, connects to nothing. The exit code is 0 whatever it finds.\n\n"
      "Example:\n  saker doctor");
  command.callback([json, &exit_code] {
    const std::vector<Finding> findings = examine_machine();
    *json ? print_json(findings) : print_text(findings);
    exit_code = kExitOk;
  });
}

}  // namespace saker::app
