#include "usage_timer.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace saker::app {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double clock_seconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

MachineTicks read_machine_ticks() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  return parse_machine_ticks(line).value_or(MachineTicks());
}

}  // namespace

std::optional<MachineTicks> parse_machine_ticks(std::string_view stat) {
  std::istringstream text{std::string(stat)};
  std::string name;
  uint64_t user = 0;
  uint64_t nice = 0;
  uint64_t system = 0;
  uint64_t idle = 0;
  if (!(text >> name >> user >> nice >> system >> idle) || name != "cpu") return std::nullopt;
  return MachineTicks{user + nice + system + idle, idle};
}

Usage UsageTimer::read() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {clock_seconds(), seconds(usage.ru_utime), seconds(usage.ru_stime), read_machine_ticks()};
}

Usage UsageTimer::look(bool reset) {
  const Usage now = read();
  const Usage since = {
      now.elapsed_seconds - start_.elapsed_seconds,
      now.user_seconds - start_.user_seconds,
      now.system_seconds - start_.system_seconds,
      {now.machine.total - start_.machine.total, now.machine.idle - start_.machine.idle}};
  if (reset) start_ = now;
  return since;
}

}  // namespace saker::app
