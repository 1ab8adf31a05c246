#include "worker_client.h"

#include <algorithm>
#include <utility>

#include "saker/services/benchmark/benchmark_service.h"

namespace saker::app {
namespace {

uint32_t saturated(uint64_t count) {
  return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
}

void fill_histogram(const bench::LogHistogram& histogram, ::grpc::testing::HistogramData& out) {
  out.mutable_bucket()->Reserve(static_cast<int>(histogram.buckets().size()));
  for (const uint64_t count : histogram.buckets()) out.add_bucket(saturated(count));
  out.set_min_seen(histogram.min());
  out.set_max_seen(histogram.max());
  out.set_sum(histogram.sum());
  out.set_sum_of_squares(histogram.sum_of_squares());
  out.set_count(static_cast<double>(histogram.count()));
}

}  // namespace

Result<std::unique_ptr<WorkerClient>> WorkerClient::make(const ClientPlan& plan,
                                                         const tls::ClientContext& tls,
                                                         Duration connect_timeout) {
  std::unique_ptr<WorkerClient> client(new WorkerClient(plan));
  auto started = client->start(client->channel_options(tls, connect_timeout), connect_timeout);
  if (!started) return std::unexpected(started.error());
  return client;
}

rpc::ChannelOptions WorkerClient::channel_options(const tls::ClientContext& tls,
                                                  Duration connect_timeout) const {
  rpc::ChannelOptions options;
  options.connect.timeout = connect_timeout;
  options.connect_eagerly = true;
  options.initial_backoff = std::chrono::milliseconds(100);
  options.max_backoff = std::chrono::seconds(1);
  const uint32_t reply = static_cast<uint32_t>(plan_.reply_bytes) + benchmark::kMessageExtraBytes;
  options.max_receive_message_bytes = std::max(options.max_receive_message_bytes, reply);
  options.max_connection_memory_bytes =
      std::max(options.max_connection_memory_bytes, size_t{reply} * (plan_.calls_per_channel + 1));
  if (plan_.tls) {
    options.tls = tls;
    options.tls_server_name = plan_.tls->server_name;
    options.authority = plan_.tls->server_name;
  }
  return options;
}

// Channels are dealt out to the threads in turns.
Result<void> WorkerClient::start(const rpc::ChannelOptions& options, Duration connect_timeout) {
  for (uint32_t index = 0; index < plan_.threads; ++index) {
    auto loop = net::make_epoll_loop();
    if (!loop) return std::unexpected(loop.error());
    threads_.push_back(std::make_unique<LoadThread>(plan_, *std::move(loop), connect_timeout));
  }
  for (uint32_t index = 0; index < plan_.channels; ++index) {
    const net::Target& target = plan_.targets[index % plan_.targets.size()];
    threads_[index % threads_.size()]->add_channel(target, options);
  }
  for (auto& thread : threads_) thread->start();
  return {};
}

bool WorkerClient::is_ready() const {
  if (failure() != nullptr) return true;
  return std::ranges::none_of(threads_, [](const auto& thread) {
    return thread->state() == LoadThread::State::kConnecting;
  });
}

const std::string* WorkerClient::failure() const {
  for (const auto& thread : threads_) {
    if (thread->state() == LoadThread::State::kFailed) return &thread->failure();
  }
  return nullptr;
}

void WorkerClient::begin_mark(bool reset) {
  for (auto& thread : threads_) thread->begin_mark(reset);
  usage_ = timer_.look(reset);
}

bool WorkerClient::is_marked() const {
  return std::ranges::all_of(threads_, [](const auto& thread) { return thread->is_marked(); });
}

void WorkerClient::fill(::grpc::testing::ClientStats& stats) const {
  LoadStats all(plan_.histogram);
  for (const auto& thread : threads_) all.merge(thread->mark());
  stats.Clear();
  fill_histogram(all.latencies, *stats.mutable_latencies());
  for (size_t code = 0; code < all.by_code.size(); ++code) {
    if (all.by_code[code] == 0) continue;
    auto& row = *stats.add_request_results();
    row.set_status_code(static_cast<int32_t>(code));
    row.set_count(static_cast<int64_t>(all.by_code[code]));
  }
  stats.set_time_elapsed(usage_.elapsed_seconds);
  stats.set_time_user(usage_.user_seconds);
  stats.set_time_system(usage_.system_seconds);
}

void WorkerClient::stop() {
  for (auto& thread : threads_) thread->stop();
}

bool WorkerClient::has_ended() const {
  return std::ranges::all_of(
      threads_, [](const auto& thread) { return thread->state() == LoadThread::State::kEnded; });
}

}  // namespace saker::app
