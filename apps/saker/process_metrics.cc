#include "process_metrics.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "version.h"

namespace saker::app {
namespace {

constexpr MetricName kCpuSeconds = {"process_cpu_seconds_total", "CPU time used, user and system."};
constexpr MetricName kResidentBytes = {"process_resident_memory_bytes", "Memory that is in RAM."};
constexpr MetricName kVirtualBytes = {"process_virtual_memory_bytes", "Address space in use."};
constexpr MetricName kHeapBytes = {"saker_heap_allocated_bytes",
                                   "What is allocated; free memory that is kept does not count."};
constexpr MetricName kOpenFds = {"process_open_fds", "Open descriptors."};
constexpr MetricName kMaxFds = {"process_max_fds", "Descriptors that may be open."};
constexpr MetricName kStartTime = {"process_start_time_seconds",
                                   "When the process started, since the Unix epoch."};
constexpr MetricName kBuild = {"saker_build_info", "What this program was built from; always 1."};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// proc(5), /proc/[pid]/statm: size and resident set, in pages.
void collect_memory(MetricFamilies& out) {
  std::ifstream file("/proc/self/statm");
  double virtual_pages = 0;
  double resident_pages = 0;
  if (!(file >> virtual_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  out.add_gauge(kResidentBytes, resident_pages * page_bytes);
  out.add_gauge(kVirtualBytes, virtual_pages * page_bytes);
}

// A process with keys locks its memory, so that what was freed stays resident: this is what tells
// whether anything grows. Nothing under sanitizers, which have heaps of their own.
void collect_heap(MetricFamilies& out) {
  const struct mallinfo2 heap = mallinfo2();
  if (heap.uordblks == 0) return;
  out.add_gauge(kHeapBytes, static_cast<double>(heap.uordblks + heap.hblkhd));
}

// Without ".", ".." and the descriptor that reads the directory.
void collect_descriptors(MetricFamilies& out) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory != nullptr) {
    double entries = 0;
    while (readdir(directory.get()) != nullptr) ++entries;
    out.add_gauge(kOpenFds, entries - 3);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.add_gauge(kMaxFds, static_cast<double>(limit.rlim_cur));
  }
}

// Seconds since the epoch at which the machine started: "btime" of /proc/stat.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string name; file >> name; std::getline(file, name)) {
    double seconds = 0;
    if (name == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

// proc(5), /proc/[pid]/stat, field 22: ticks from the machine's start to the process's. Field 2 may
// hold blanks and ends with the last parenthesis.
std::optional<double> ticks_at_start() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  return ticks;
}

void collect_start_time(MetricFamilies& out) {
  const auto boot = boot_time();
  const auto ticks = ticks_at_start();
  if (!boot || !ticks) return;
  out.add_gauge(kStartTime, *boot + *ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

void collect_build(MetricFamilies& out) {
  std::string version, commit, compiler, build;
  for (const auto& [name, value] : build_facts()) {
    if (name == "saker") version = value;
    if (name == "commit") commit = value;
    if (name == "compiler") compiler = value;
    if (name == "build") build = value;
  }
  out.add_gauge(
      kBuild, 1,
      {{"version", version}, {"commit", commit}, {"compiler", compiler}, {"build", build}});
}

}  // namespace

void collect_process_metrics(MetricFamilies& out) {
  out.add_counter(kCpuSeconds, cpu_seconds());
  collect_memory(out);
  collect_heap(out);
  collect_descriptors(out);
  collect_start_time(out);
  collect_build(out);
}

}  // namespace saker::app
