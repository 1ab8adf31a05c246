#include "call_log_writer.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "log_sink.h"
#include "saker/net/address.h"

namespace saker::app {
namespace {

// How long records wait at most. A loop fills its ring in no less than three of these (16384
// records at a million calls a second: 16 ms).
constexpr auto kSleep = std::chrono::milliseconds(5);
// So many records at once mean that more will have come meanwhile.
constexpr size_t kBusyRecords = 2048;

}  // namespace

CallLogSource call_log_source(rpc::Server& server) {
  CallLogSource source;
  for (size_t index = 0; index < server.loop_count(); ++index) {
    source.rings.push_back(&server.loop(index).call_ring());
  }
  source.methods = MethodLabels(server.dispatcher());
  return source;
}

CallLogWriter::CallLogWriter(CallLogSource source, std::shared_ptr<LogSink> sink, LogFormat format)
    : source_(std::move(source)), sink_(std::move(sink)), line_(format) {}

void CallLogWriter::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  (void)pthread_setname_np(thread_.native_handle(), "saker-log");  // for top(1) only
}

void CallLogWriter::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void CallLogWriter::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (drain() >= kBusyRecords) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kSleep, [] { return false; });
  }
  while (drain() != 0) {
  }
}

size_t CallLogWriter::drain() {
  size_t records = 0;
  for (rpc::CallRing* ring : source_.rings) {
    records += ring->drain([this](const rpc::CallRecord& record) { write(record); });
  }
  if (records == 0) return 0;
  sink_->flush();
  records_.fetch_add(records, std::memory_order_relaxed);
  return records;
}

void CallLogWriter::write(const rpc::CallRecord& record) {
  line_.start("call")
      .add("method", source_.methods[record.method])
      .add("peer", record.peer.view())
      .add("transport", net::transport_name(record.transport))
      .add("status", grpc::status_code_name(record.code))
      .add_microseconds("duration_us", record.duration_ns)
      .add("request_bytes", record.request_bytes)
      .add("reply_bytes", record.reply_bytes);
  if (record.identity.size != 0) line_.add("identity", record.identity.view());
  if (record.traceparent.size != 0) line_.add("traceparent", record.traceparent.view());
  const std::string_view members = line_.members();
  const spdlog::log_clock::time_point time{std::chrono::nanoseconds(record.received_wall_ns)};
  sink_->log(spdlog::details::log_msg(time, {}, "calls", spdlog::level::debug,
                                      {members.data(), members.size()}));
}

}  // namespace saker::app
