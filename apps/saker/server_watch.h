// ServerWatch: what the server's process costs while a run loads it: CPU time by the second, context
// switches, memory. Of a process of this machine it reads /proc, ten times a second; best effort, since
// it may end. Of any other, its metrics over HTTP, before and after the run and once a second. Belongs to
// the thread that waits for the run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http_get.h"
#include "saker/base/result.h"
#include "saker/bench/report.h"
#include "saker/bench/timeline.h"
#include "server_scraper.h"

namespace saker::app {

// How often this thread has left its CPU so far (getrusage(2)): the other end's figure.
bench::ContextSwitches thread_context_switches();

// Where its figures come from: one of these, or none.
struct ServerSource {
  uint64_t pid = 0;  // a process of this machine; 0: none
  HttpUrl metrics;   // with no host: none

  bool is_pid() const { return pid != 0; }
  bool is_metrics() const { return !metrics.host.empty(); }
};

class ServerWatch {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(100);

  // `source` must outlive the watch.
  explicit ServerWatch(const ServerSource& source);
  bool is_on() const { return source_.is_pid() || source_.is_metrics(); }
  // Is there such a process, and may we look?
  Result<void> check();

  // Before the run, whose measured time begins after `lead`. A scrape is waited for.
  void begin(Duration lead);
  // Every kPeriod or so; `elapsed` of the measured time, negative before it begins. Waits for nothing.
  void look(Duration elapsed);
  // After the run. A scrape is waited for.
  void finish();

  // Of the measured time; nothing where there was no process to watch.
  std::optional<bench::ServerLoad> load() const;
  // As far as known().
  const bench::Timeline& timeline() const { return timeline_; }
  // How much of the measured time is in the timeline; negative before any.
  Duration known() const { return last_elapsed_; }
  // Why there are no figures although they were asked for; mostly empty.
  const std::string& warning() const { return warning_; }

 private:
  void take_scrapes();
  void see(const Scrape& scrape, Duration elapsed);
  void see(const bench::ServerLoad& now, Duration elapsed);
  void finish_scrapes();
  void give_up(const std::string& why);
  void add_cpu(Duration from, Duration to, Duration cpu);

  const ServerSource& source_;
  std::unique_ptr<ServerScraper> scraper_;
  Time origin_{};             // of the measured time, for scrapes
  double start_seconds_ = 0;  // of the server
  std::string warning_;
  bool has_seen_ = false;  // last_ is something
  bool began_ = false;
  Duration looked_at_{};
  Duration last_elapsed_{};
  bench::ServerLoad at_start_;
  bench::ServerLoad last_;
  bench::Timeline timeline_;
};

}  // namespace saker::app
