#include "statistics.h"

#include <cstdio>

namespace saker::simulation {
namespace {

void add_row(std::string& table, std::string_view name, uint64_t count) {
  char row[80];
  std::snprintf(row, sizeof row, "  %-24.*s %14llu\n", static_cast<int>(name.size()), name.data(),
                static_cast<unsigned long long>(count));
  table += row;
}

}  // namespace

void Statistics::add(const RunResult& result) {
  ++seeds_;
  virtual_time_ += result.virtual_time;
  calls_.add(result.calls);
  faults_.add(result.faults);
  for (size_t blow = 0; blow < blows_.size(); ++blow) blows_[blow] += result.blows[blow];
  failed_allocations_ += result.failed_allocations;
  connections_.add(result.connections);
}

uint64_t Statistics::faults() const {
  uint64_t all = calls_.cancelled + calls_.abandoned + calls_.oversize + calls_.out_of_memory +
                 calls_.refused + calls_.keepalive + failed_allocations_ +
                 calls_.by_code[static_cast<size_t>(grpc::StatusCode::kDeadlineExceeded)];
  for (size_t fault = 0; fault < net::kSimFaultCount; ++fault) all += faults_.at(fault);
  for (const uint64_t count : blows_) all += count;
  // The network has counted its clocks already.
  return all - blows_[static_cast<size_t>(Blow::kClockJump)] -
         blows_[static_cast<size_t>(Blow::kWallClock)];
}

std::string Statistics::table(double seconds) const {
  std::string table = "faults\n";
  for (size_t fault = 0; fault < net::kSimFaultCount; ++fault) {
    add_row(table, net::kSimFaultNames[fault], faults_.at(fault));
  }
  for (size_t blow = 0; blow < blows_.size(); ++blow) {
    const auto which = static_cast<Blow>(blow);
    const bool is_counted = which == Blow::kClockJump || which == Blow::kWallClock;
    if (!is_counted) add_row(table, kBlowNames[blow], blows_[blow]);
  }
  add_row(table, "call cancelled", calls_.cancelled);
  add_row(table, "call object destroyed", calls_.abandoned);
  add_row(table, "message over a limit", calls_.oversize);
  add_row(table, "allocation failed", failed_allocations_);
  add_row(table, "no memory for a message", calls_.out_of_memory);
  add_row(table, "call refused for memory", calls_.refused);
  add_row(table, "keepalive unanswered", calls_.keepalive);
  table += "calls by status\n";
  for (size_t code = 0; code < calls_.by_code.size(); ++code) {
    const std::string_view name = grpc::status_code_name(static_cast<grpc::StatusCode>(code));
    if (calls_.by_code[code] != 0) add_row(table, name, calls_.by_code[code]);
  }
  add_row(table, "handlers run", calls_.handled);
  add_row(table, "calls retried, hedged", calls_.retried);
  add_row(table, "messages", calls_.messages);
  add_row(table, "message bytes", calls_.bytes);
  table += "connections\n";
  add_row(table, "ends compared at rest", connections_.compared);
  add_row(table, "looks at their memory", connections_.weighed);
  add_row(table, "most bytes of one", connections_.most_bytes);
  add_row(table, "fullest, in % of its limit", static_cast<uint64_t>(100 * connections_.fullest));
  char total[200];
  std::snprintf(
      total, sizeof total,
      "%llu seeds, %llu calls, %llu faults, %.1f h of virtual time in %.1f s: %.0f calls/s\n",
      static_cast<unsigned long long>(seeds_), static_cast<unsigned long long>(calls_.started),
      static_cast<unsigned long long>(faults()),
      std::chrono::duration<double>(virtual_time_).count() / 3600, seconds,
      static_cast<double>(calls_.started) / seconds);
  return table + total;
}

}  // namespace saker::simulation
