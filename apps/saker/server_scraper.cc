#include "server_scraper.h"

#include <utility>

namespace saker::app {

Result<Scrape> ServerScraper::scrape() {
  if (addresses_.empty()) {
    auto found = net::socket_addresses(url_.address, net::Purpose::kConnect);
    if (!found) return fail(url_.shown + ": " + found.error().message);
    addresses_ = *std::move(found);
  }
  return scrape_within(kTimeout);
}

Result<Scrape> ServerScraper::scrape_within(Duration timeout) const {
  const Time begin = now();
  const auto text = http_get(url_, addresses_, timeout);
  const Time end = now();
  if (!text) return fail(url_.shown + ": " + text.error().message);
  auto process = parse_scraped_process(*text);
  if (!process) return fail(url_.shown + ": " + process.error().message);
  return Scrape{begin + (end - begin) / 2, *process};
}

void ServerScraper::start(Time origin) {
  thread_ = std::jthread([this, origin](const std::stop_token& stop) { run(stop, origin); });
}

void ServerScraper::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// What is late is left out, not made up for.
void ServerScraper::run(const std::stop_token& stop, Time next) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Duration left = next - now();
    if (left > Duration::zero()) {
      wake_.wait_for(lock, stop, left, [] { return false; });
      continue;
    }
    lock.unlock();
    auto scraped = scrape_within(kTimeoutMeanwhile);
    lock.lock();
    if (scraped) scrapes_.push_back(*scraped);
    while (next <= now()) next += kPeriod;
  }
}

std::vector<Scrape> ServerScraper::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(scrapes_, {});
}

}  // namespace saker::app
