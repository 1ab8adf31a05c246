// Of /proc, CPU times are /proc/PID/task/*/schedstat's, in nanoseconds; a thread that ends takes its
// share away, which is why totals never go back here. Of metrics, a total that goes back is another
// process's.
#include "server_watch.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
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

// Not known where the total at the beginning was not; totals never go back.
bench::ContextSwitches since(const bench::ContextSwitches& start,
                             const bench::ContextSwitches& end) {
  if (start == bench::ContextSwitches()) return {};
  return {end.voluntary - start.voluntary, end.involuntary - start.involuntary};
}

}  // namespace

bench::ContextSwitches thread_context_switches() {
  rusage usage{};
  (void)getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<uint64_t>(usage.ru_nvcsw), static_cast<uint64_t>(usage.ru_nivcsw)};
}

ServerWatch::ServerWatch(const ServerSource& source) : source_(source) {
  if (source.is_metrics()) scraper_ = std::make_unique<ServerScraper>(source.metrics);
}

Result<void> ServerWatch::check() {
  if (scraper_ != nullptr) {
    const auto scraped = scraper_->scrape();
    if (!scraped) return fail_in_one_line("--server-metrics " + scraped.error().message);
  }
  if (!source_.is_pid() || read_load(source_.pid)) return {};
  return fail("--server-pid " + std::to_string(source_.pid) +
              ": no such process, or none that may be looked at");
}

void ServerWatch::begin(Duration lead) {
  if (scraper_ == nullptr) return look(-lead);
  const auto first = scraper_->scrape();
  if (!first) return give_up(first.error().message);
  start_seconds_ = first->process.start_seconds;
  origin_ = time_after(ServerScraper::now(), lead);
  see(*first, first->at - origin_);
  scraper_->start(origin_);
}

void ServerWatch::look(Duration elapsed) {
  looked_at_ = elapsed;
  if (scraper_ != nullptr) return take_scrapes();
  if (!source_.is_pid()) return;
  if (const auto now = read_load(source_.pid)) see(*now, elapsed);
}

void ServerWatch::take_scrapes() {
  for (const Scrape& scrape : scraper_->take()) see(scrape, scrape.at - origin_);
}

void ServerWatch::see(const Scrape& scrape, Duration elapsed) {
  constexpr double kSameStart = 2;  // some compute it anew from clocks that are set
  const ScrapedProcess& process = scrape.process;
  if (!warning_.empty()) return;
  if (process.cpu < last_.cpu || std::abs(process.start_seconds - start_seconds_) > kSameStart) {
    return give_up(source_.metrics.shown +
                   ": another process answers than before; was it restarted, or are there several "
                   "behind one address?");
  }
  see({process.cpu, process.switches, process.resident_bytes}, elapsed);
}

void ServerWatch::give_up(const std::string& why) {
  warning_ = "no figures of the server: " + why;
  began_ = false;
  timeline_ = bench::Timeline();
  last_elapsed_ = Duration::min();
}

// What the warm-up cost is not counted: the total at the beginning lies between two looks.
void ServerWatch::see(const bench::ServerLoad& now, Duration elapsed) {
  const bench::ServerLoad total = later(last_, now);
  if (began_) {
    add_cpu(last_elapsed_, elapsed, total.cpu - last_.cpu);
  } else if (elapsed >= Duration::zero()) {
    began_ = true;
    at_start_ = has_seen_ ? last_ : total;
    const Duration passed = elapsed - last_elapsed_;
    if (has_seen_ && last_elapsed_ < Duration::zero()) {
      at_start_.cpu += Duration(static_cast<int64_t>(
          static_cast<double>((total.cpu - last_.cpu).count()) *
          (static_cast<double>(-last_elapsed_.count()) / static_cast<double>(passed.count()))));
    }
    add_cpu(Duration::zero(), elapsed, total.cpu - at_start_.cpu);
  }
  has_seen_ = true;
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
  if (scraper_ != nullptr) return finish_scrapes();
  const auto now = source_.is_pid() ? read_load(source_.pid) : std::nullopt;
  if (now && began_) {
    const Duration rest = std::max(now->cpu - last_.cpu, Duration::zero());
    add_cpu(last_elapsed_, last_elapsed_ + Duration(1), rest);
    last_ = later(last_, *now);
  }
}

// The run may have been over for a while: what was spent since the last scrape is the run's, up to where
// it was last seen to go on.
void ServerWatch::finish_scrapes() {
  scraper_->stop();
  take_scrapes();
  if (!warning_.empty()) return;
  const auto last = scraper_->scrape();
  if (!last) return give_up(last.error().message);
  const Duration elapsed = began_ ? looked_at_ : last->at - origin_;
  see(*last, std::max(elapsed, last_elapsed_ + Duration(1)));
}

std::optional<bench::ServerLoad> ServerWatch::load() const {
  if (!began_) return std::nullopt;
  return bench::ServerLoad{.cpu = last_.cpu - at_start_.cpu,
                           .switches = since(at_start_.switches, last_.switches),
                           .peak_resident_bytes = last_.peak_resident_bytes};
}

}  // namespace saker::app
