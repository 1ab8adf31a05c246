// ServerScraper: looks at a server's metrics over HTTP while a run lasts: once a second, on a thread of its
// own, so that a server that is slow to answer keeps nobody waiting. A scrape that fails meanwhile is
// left out: the next one tells as much.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "http_get.h"
#include "saker/base/result.h"
#include "saker/base/time.h"
#include "scraped_process.h"

namespace saker::app {

struct Scrape {
  Time at{};  // half-way between request and answer
  ScrapedProcess process;
};

class ServerScraper {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(1);
  // limit: before and after a run; and while it lasts.
  static constexpr Duration kTimeout = std::chrono::seconds(5);
  static constexpr Duration kTimeoutMeanwhile = std::chrono::seconds(1);

  // `url` must outlive the scraper.
  explicit ServerScraper(const HttpUrl& url) : url_(url) {}
  ~ServerScraper() { stop(); }
  ServerScraper(const ServerScraper&) = delete;
  ServerScraper& operator=(const ServerScraper&) = delete;

  // One, on this thread, which waits for it; looks the name up the first time. Not after start() and
  // before stop(). The error names the URL.
  Result<Scrape> scrape();
  // After a scrape(): one at `origin` and every kPeriod from there.
  void start(Time origin);
  // Those that have come since the last time. Any thread.
  std::vector<Scrape> take();
  // Waits for one that is under way, kTimeoutMeanwhile at most.
  void stop();

  static Time now() { return Time(std::chrono::steady_clock::now().time_since_epoch()); }

 private:
  Result<Scrape> scrape_within(Duration timeout) const;
  void run(const std::stop_token& stop, Time next);

  const HttpUrl& url_;
  std::vector<net::SocketAddress> addresses_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Scrape> scrapes_;
  std::jthread thread_;
};

}  // namespace saker::app
