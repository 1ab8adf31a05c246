#include "version.h"

#include <google/protobuf/stubs/common.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "build_info.h"
#include "redaction.h"

namespace saker::app {
namespace {

std::string compiler() {
#ifdef __clang__
  return std::string("clang ") + __clang_version__;
#else
  return std::string("gcc ") + __VERSION__;
#endif
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name"))
      return line.substr(std::min(line.find(": ") + 2, line.size()));
  }
  return "unknown";
}

// "0-3,6": the CPUs of this process's affinity mask.
std::string affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return "unknown";
  std::string text;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    int last = cpu;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set)) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpu);
    if (last > cpu) text += '-' + std::to_string(last);
    cpu = last;
  }
  return text;
}

}  // namespace

Facts build_facts() {
  Facts facts = {{"saker", SAKER_VERSION}};
  if (std::string_view(SAKER_GIT_COMMIT) != "") facts.emplace_back("commit", SAKER_GIT_COMMIT);
  facts.emplace_back("compiler", compiler());
  facts.emplace_back("build", SAKER_BUILD_TYPE);
  facts.emplace_back("protobuf",
                     google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
  facts.emplace_back("openssl", OpenSSL_version(OPENSSL_VERSION));
  return facts;
}

Facts machine_facts() {
  utsname system{};
  const bool known = uname(&system) == 0;
  return {{"kernel", known ? std::string(system.sysname) + " " + system.release : "unknown"},
          {"cpu", cpu_model()},
          {"cpus", std::to_string(sysconf(_SC_NPROCESSORS_ONLN))},
          {"affinity", affinity()}};
}

std::string in_shell(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string command_line() {
  constexpr size_t kLongest = 16 * 1024;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  redact(arguments);
  std::string text;
  for (const std::string& argument : arguments) {
    if (text.size() > kLongest) break;
    if (!text.empty()) text += ' ';
    text += in_shell(argument);
  }
  if (text.size() <= kLongest) return text;
  return text.substr(0, kLongest) + " ...";
}

}  // namespace saker::app
