// CPU times are /proc/PID/task/*/schedstat's, in nanoseconds; a thread that ends takes its share
// away, which is why totals never go back here.
#include "server_watch.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace saker::app {
namespace {

namespace fs = std::filesystem;

// The number behind `name` in a file of lines "name:  number …"; 0 where there is none.
uint64_t number_of(const fs::path& file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size(), nullptr, 10);
  }
  return 0;
}

std::optional<bench::ServerLoad> read_load(uint64_t pid) {
  const fs::path process = "/proc/" + std::to_string(pid);
  std::error_code error;
  bench::ServerLoad load;
  bool any = false;
  for (fs::directory_iterator task(process / "task", error), end; !error && task != end;
       task.increment(error)) {
    int64_t cpu_ns = 0;
    if (!(std::ifstream(task->path() / "schedstat") >> cpu_ns)) continue;
    any = true;
    load.cpu += Duration(cpu_ns);
    const fs::path status = task->path() / "status";
    load.switches.voluntary += number_of(status, "voluntary_ctxt_switches:");
    load.switches.involuntary += number_of(status, "nonvoluntary_ctxt_switches:");
  }
  if (!any) return std::nullopt;
  load.peak_resident_bytes = number_of(process / "status", "VmHWM:") * 1024;
  return load;
}

// Totals as far as they have been seen: never less than before.
bench::ServerLoad later(const bench::ServerLoad& before, const bench::ServerLoad& now) {
  return {.cpu = std::max(before.cpu, now.cpu),
          .switches = {std::max(before.switches.voluntary, now.switches.voluntary),
                       std::max(before.switches.involuntary, now.switches.involuntary)},
          .peak_resident_bytes = std::max(before.peak_resident_bytes, now.peak_resident_bytes)};
}

}  // namespace

bench::ContextSwitches thread_context_switches() {
  rusage usage{};
  (void)getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<uint64_t>(usage.ru_nvcsw), static_cast<uint64_t>(usage.ru_nivcsw)};
}

Result<void> ServerWatch::check() const {
  if (!is_on() || read_load(pid_)) return {};
  return fail("--server-pid " + std::to_string(pid_) +
              ": no such process, or none that may be looked at");
}

// What the warm-up cost is not counted: the total at the beginning lies between two looks.
void ServerWatch::look(Duration elapsed) {
  if (!is_on()) return;
  const auto now = read_load(pid_);
  if (!now) return;
  const bench::ServerLoad total = later(last_, *now);
  if (began_) {
    add_cpu(last_elapsed_, elapsed, total.cpu - last_.cpu);
  } else if (elapsed >= Duration::zero()) {
    began_ = true;
    at_start_ = last_.cpu > Duration::zero() ? last_ : total;
    const Duration passed = elapsed - last_elapsed_;
    if (last_.cpu > Duration::zero() && last_elapsed_ < Duration::zero()) {
      at_start_.cpu += Duration(static_cast<int64_t>(
          static_cast<double>((total.cpu - last_.cpu).count()) *
          (static_cast<double>(-last_elapsed_.count()) / static_cast<double>(passed.count()))));
    }
    add_cpu(Duration::zero(), elapsed, total.cpu - at_start_.cpu);
  }
  last_ = total;
  last_elapsed_ = elapsed;
}

// Spent evenly between two looks; a second's end that lies between them divides it.
void ServerWatch::add_cpu(Duration from, Duration to, Duration cpu) {
  constexpr Duration kSecond = bench::Timeline::kFirstInterval;
  while (cpu > Duration::zero() && from < to) {
    const Duration end = std::min(to, kSecond * (from / kSecond + 1));
    const double share =
        static_cast<double>((end - from).count()) / static_cast<double>((to - from).count());
    const Duration part =
        end == to ? cpu : Duration(static_cast<int64_t>(static_cast<double>(cpu.count()) * share));
    bench::TimelinePoint point;
    point.server_cpu = part;
    timeline_.add(from, point);
    cpu -= part;
    from = end;
  }
}

void ServerWatch::finish() {
  if (const auto now = is_on() ? read_load(pid_) : std::nullopt; now && began_) {
    const Duration rest = std::max(now->cpu - last_.cpu, Duration::zero());
    add_cpu(last_elapsed_, last_elapsed_ + Duration(1), rest);
    last_ = later(last_, *now);
  }
}

std::optional<bench::ServerLoad> ServerWatch::load() const {
  if (!began_) return std::nullopt;
  return bench::ServerLoad{
      .cpu = last_.cpu - at_start_.cpu,
      .switches = {last_.switches.voluntary - at_start_.switches.voluntary,
                   last_.switches.involuntary - at_start_.switches.involuntary},
      .peak_resident_bytes = last_.peak_resident_bytes};
}

}  // namespace saker::app
