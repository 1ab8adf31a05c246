// What this machine, and our place on it, has for us: files of /proc and /sys, memory.
#pragma once

#include <cstdint>
#include <string>

namespace saker::app {

// Empty where there is no such file.
std::string first_line(const std::string& path);
uint64_t present_memory_bytes();
// The limit of the cgroup that we are in; UINT64_MAX: none.
uint64_t cgroup_memory_bytes();

}  // namespace saker::app
