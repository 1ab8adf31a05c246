// What this program and this machine are, for `saker version` and for reports
// that must describe themselves.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace saker::app {

using Facts = std::vector<std::pair<std::string, std::string>>;

// version, commit (where known), compiler, build, protobuf, openssl.
Facts build_facts();
// kernel, cpu, cpus (of the machine), affinity (those that this process may use).
Facts machine_facts();
// A word as a shell would take it: in quotes where it needs them.
std::string in_shell(const std::string& word);
// How this process was started, as a shell would take it; what is very long is cut short, and secrets are
// left out (redaction.h).
std::string command_line();

}  // namespace saker::app
