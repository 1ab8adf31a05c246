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
// kernel, cpu, cpus (that this process may use).
Facts machine_facts();

}  // namespace saker::app
