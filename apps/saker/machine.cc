#include "machine.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace saker::app {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

uint64_t present_memory_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// cgroups(7): the line is "0::/path"; in a namespace of its own a process sees its group as the root. A
// group without a limit says "max".
uint64_t cgroup_memory_bytes() {
  std::string group = first_line("/proc/self/cgroup");
  group = group.starts_with("0::/") ? group.substr(std::strlen("0::")) : "/";
  for (const std::string& directory : {group, std::string("/")}) {
    const std::string most = first_line("/sys/fs/cgroup" + directory + "/memory.max");
    if (!most.empty() && most != "max") return std::strtoull(most.c_str(), nullptr, 10);
  }
  return UINT64_MAX;
}

}  // namespace saker::app
