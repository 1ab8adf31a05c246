#include "crypto_metrics.h"

#include "saker/services/crypto/algorithm.h"
#include "saker/services/crypto/worker_pool.h"

namespace saker::app {
namespace {

constexpr MetricName kThreads = {"saker_crypto_threads", "Threads that sign and verify."};
constexpr MetricName kQueued = {"saker_crypto_jobs_queued", "Jobs waiting for a thread, by lane."};
constexpr MetricName kRunning = {"saker_crypto_jobs_running", "Jobs being done, by lane."};
constexpr MetricName kSubmitted = {"saker_crypto_jobs_submitted_total", "Jobs accepted, by lane."};
constexpr MetricName kCompleted = {"saker_crypto_jobs_completed_total", "Jobs done, by lane."};
constexpr MetricName kJobsRefused = {"saker_crypto_jobs_refused_total",
                                     "Jobs refused because the lane's queue was full, by lane."};
constexpr MetricName kWait = {"saker_crypto_wait_seconds_total",
                              "Time that started jobs had waited, all together, by lane."};
constexpr MetricName kLongestWait = {"saker_crypto_longest_wait_seconds",
                                     "The longest that a job waited since the start, by lane."};
constexpr MetricName kSignatures = {"saker_crypto_signatures_total",
                                    "Signatures made, by algorithm."};
constexpr MetricName kRefused = {
    "saker_crypto_refused_total",
    "Requests refused because the workers' queue was full, by algorithm."};
constexpr MetricName kDropped = {"saker_crypto_dropped_total",
                                 "Calls that nobody waited for any more when their turn came, and "
                                 "that nothing more was done for."};
constexpr MetricName kOverRate = {"saker_crypto_over_rate_total",
                                  "Requests refused because their caller was over its rate."};
constexpr MetricName kTokenWorks = {"saker_token_works",
                                    "Whether the token could be used the last time."};
constexpr MetricName kAuditRecords = {"saker_audit_records_total", "Audit records written."};
constexpr MetricName kAuditLost = {"saker_audit_lost_total",
                                   "Audit records that could not be written."};
constexpr MetricName kAuditWorks = {"saker_audit_works",
                                    "Whether the audit log could be written the last time."};

void collect_lane(const crypto::LaneStats& lane, std::string_view name, MetricFamilies& out) {
  const auto count = [](uint64_t value) { return static_cast<double>(value); };
  const MetricLabels labels = {{"lane", name}};
  out.add_gauge(kQueued, count(lane.queued), labels);
  out.add_gauge(kRunning, count(lane.running), labels);
  out.add_counter(kSubmitted, count(lane.submitted), labels);
  out.add_counter(kCompleted, count(lane.completed), labels);
  out.add_counter(kJobsRefused, count(lane.refused), labels);
  out.add_counter(kWait, count(lane.wait_ns_total) / 1e9, labels);
  out.add_gauge(kLongestWait, count(lane.wait_ns_max) / 1e9, labels);
}

}  // namespace

// Algorithms are few and fixed, so that all of them have series from the start:
// rates need a zero to start from.
void collect_crypto_metrics(const crypto::CryptoService& service, MetricFamilies& out) {
  out.add_gauge(kThreads, static_cast<double>(service.pool().threads()));
  collect_lane(service.pool().stats(crypto::Lane::kCheap), "cheap", out);
  collect_lane(service.pool().stats(crypto::Lane::kExpensive), "expensive", out);
  for (const crypto::Algorithm algorithm : crypto::kAlgorithms) {
    const MetricLabels labels = {{"algorithm", crypto::name(algorithm)}};
    out.add_counter(kSignatures, static_cast<double>(service.signatures(algorithm)), labels);
    out.add_counter(kRefused, static_cast<double>(service.refused(algorithm)), labels);
  }
  out.add_counter(kDropped, static_cast<double>(service.dropped()));
  out.add_counter(kOverRate, static_cast<double>(service.over_rate()));
  if (const auto token = service.state()->token; token != nullptr)
    out.add_gauge(kTokenWorks, token->works() ? 1 : 0);
  const crypto::AuditLog* const audit = service.audit();
  if (audit == nullptr) return;
  out.add_counter(kAuditRecords, static_cast<double>(audit->records()));
  out.add_counter(kAuditLost, static_cast<double>(audit->lost()));
  out.add_gauge(kAuditWorks, audit->works() ? 1 : 0);
}

}  // namespace saker::app
