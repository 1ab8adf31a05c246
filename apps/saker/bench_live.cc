#include "bench_live.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace saker::app {
namespace {

constexpr Duration kPeriod = std::chrono::milliseconds(200);
constexpr size_t kUsualColumns = 80;

size_t columns_of_terminal() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1u : kUsualColumns - 1;  // the last column makes some terminals wrap
}

bench::LiveView view_of(const BenchOptions& options, const BenchProgress& progress) {
  bench::LiveView view;
  view.elapsed = progress.elapsed;
  view.calls = progress.calls;
  view.errors = progress.errors;
  view.seconds = progress.seconds.seconds;
  view.last = progress.seconds.last;
  view.run = progress.seconds.run;
  if (options.count != 0) {
    view.done = static_cast<double>(progress.calls) / static_cast<double>(options.count);
    const auto spent = static_cast<double>(progress.elapsed.count());
    const double left = view.done > 0 ? spent / view.done - spent : -1;
    view.left = Duration(static_cast<int64_t>(std::min(left, 1e18)));
  } else {
    view.done = static_cast<double>(progress.elapsed.count()) /
                static_cast<double>(options.duration.count());
    view.left = std::max(options.duration - progress.elapsed, Duration::zero());
  }
  for (size_t code = 0; code < grpc::kStatusCodeCount; ++code) {
    const auto name = grpc::status_code_name(static_cast<grpc::StatusCode>(code));
    view.by_status.push_back(
        {std::string(name), static_cast<int>(code), progress.seconds.by_code[code]});
  }
  return view;
}

// As far as the watch has looked.
void add_server(const ServerWatch& server, bench::LiveView& view) {
  const bench::Timeline& timeline = server.timeline();
  view.knows_server = server.is_on();
  for (size_t i = 0; i < timeline.size(); ++i) view.run.server_cpu += timeline[i].server_cpu;
  // Of a long run there are whole intervals only.
  const Duration second = bench::Timeline::kFirstInterval;
  const auto whole = static_cast<size_t>(view.seconds * second / timeline.interval());
  if (whole > 0 && whole <= timeline.size()) {
    view.last.server_cpu = timeline[whole - 1].server_cpu / (timeline.interval() / second);
  }
}

}  // namespace

LiveDisplay::LiveDisplay(const BenchOptions& options)
    : options_(options), is_terminal_(isatty(STDERR_FILENO) == 1) {
  if (!options.quiet) period_ = kPeriod;
}

void LiveDisplay::show(const BenchProgress& progress, const ServerWatch& server) {
  if (period_ == Duration::zero()) return;
  bench::LiveView view = view_of(options_, progress);
  view.note = note_;
  add_server(server, view);
  if (is_terminal_) return redraw(view);
  if (progress.seconds.seconds < seconds_) seconds_ = 0;  // another round
  if (progress.seconds.seconds <= seconds_) return;
  seconds_ = progress.seconds.seconds;
  std::cerr << live_line(view) + "\n" << std::flush;
}

// One write for the whole block, so that it never shows half of it.
void LiveDisplay::redraw(const bench::LiveView& view) {
  std::string out = lines_ > 0 ? "\x1b[" + std::to_string(lines_) + "A\r" : "\r";
  const auto lines = live_block(view, columns_of_terminal());
  for (const std::string& line : lines) out += line + "\x1b[K\n";
  lines_ = lines.size();
  std::cerr << out << std::flush;
}

void LiveDisplay::clear() {
  if (lines_ > 0) std::cerr << "\x1b[" + std::to_string(lines_) + "A\r\x1b[J" << std::flush;
  lines_ = 0;
}

}  // namespace saker::app
