#include "echo_result.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "printable.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

using Json = nlohmann::ordered_json;

struct Part {
  const char* name;
  Duration (*of)(const EchoResult&);
};
constexpr Part kParts[] = {
    {"total", [](const EchoResult& result) { return result.total; }},
    {"server", [](const EchoResult& result) { return result.server; }},
    {"network", [](const EchoResult& result) { return result.network(); }},
};

struct Spread {
  Duration min{};
  Duration p50{};
  Duration max{};
};

// Of those that went well; all zero without any. The median is the lower of two.
Spread spread_of(const std::vector<EchoResult>& results, const Part& part) {
  std::vector<Duration> times;
  for (const EchoResult& result : results) {
    if (result.ok()) times.push_back(part.of(result));
  }
  if (times.empty()) return {};
  std::ranges::sort(times);
  return {times.front(), times[(times.size() - 1) / 2], times.back()};
}

uint64_t count_ok(const std::vector<EchoResult>& results) {
  return static_cast<uint64_t>(std::ranges::count_if(results, &EchoResult::ok));
}

Json call_json(const EchoOptions& options, const EchoResult& result) {
  Json json;
  json["sequence"] = result.sequence;
  json["status"] = {{"code", static_cast<int>(result.status.code)},
                    {"name", grpc::status_code_name(result.status.code)},
                    {"message", result.status.message}};
  json["ok"] = result.ok();
  json["peer"] = result.peer;
  json["total_ns"] = result.total.count();
  if (!result.status.ok()) return json;
  json["payload_bytes"] = result.reply_bytes;
  if (options.show_payload && result.ok()) json["payload"] = options.payload;
  json["server_ns"] = result.server.count();
  json["network_ns"] = result.network().count();
  json["client_send_time_ns"] = result.client_send_time_ns;
  json["server_receive_time_ns"] = result.server_receive_time_ns;
  json["server_send_time_ns"] = result.server_send_time_ns;
  return json;
}

}  // namespace

std::string format_echo(const EchoOptions& options, const EchoResult& result) {
  std::string line = "seq=" + std::to_string(result.sequence);
  if (!result.status.ok()) {
    line.append(" ").append(grpc::status_code_name(result.status.code));
    line += ": " + printable(result.status.message) + " after " + format_duration(result.total);
    return line + "\n";
  }
  line.append(" ").append(format_size(result.reply_bytes)).append(" from ").append(result.peer);
  line += ": total " + format_duration(result.total) + " = server " +
          format_duration(result.server) + " + network " + format_duration(result.network());
  if (result.wrong) line += "; not what was sent";
  if (options.show_payload && result.ok()) line += "\n" + options.payload;
  return line + "\n";
}

std::string format_summary(const std::vector<EchoResult>& results,
                           const std::vector<rpc::BackendCalls>& backends) {
  const uint64_t ok = count_ok(results);
  std::string text = format_count(results.size()) + " calls, " + format_count(ok) + " ok, " +
                     format_count(results.size() - ok) + " failed\n";
  if (backends.size() > 1) {
    for (const rpc::BackendCalls& backend : backends) {
      text += backend.backend + "  " + format_count(backend.calls) + " calls\n";
    }
  }
  if (ok == 0) return text;
  for (const Part& part : kParts) {
    const Spread spread = spread_of(results, part);
    text.append(part.name).append(8 - std::string_view(part.name).size(), ' ');
    text += "min " + format_duration(spread.min) + "  p50 " + format_duration(spread.p50) +
            "  max " + format_duration(spread.max) + "\n";
  }
  return text;
}

std::string format_json(const EchoOptions& options, const std::vector<EchoResult>& results,
                        const std::vector<rpc::BackendCalls>& backends) {
  Json json;
  json["target"] = net::to_string(options.target.servers);
  json["method"] = options.stream ? "/saker.echo.v1.Echo/EchoStream" : "/saker.echo.v1.Echo/Echo";
  json["calls"] = Json::array();
  for (const EchoResult& result : results) json["calls"].push_back(call_json(options, result));
  const uint64_t ok = count_ok(results);
  Json summary = {{"count", results.size()}, {"ok", ok}, {"failed", results.size() - ok}};
  for (const Part& part : kParts) {
    const Spread spread = spread_of(results, part);
    summary[std::string(part.name) + "_ns"] = {
        {"min", spread.min.count()}, {"p50", spread.p50.count()}, {"max", spread.max.count()}};
  }
  summary["backends"] = Json::array();
  for (const rpc::BackendCalls& backend : backends) {
    summary["backends"].push_back({{"backend", backend.backend}, {"calls", backend.calls}});
  }
  json["summary"] = std::move(summary);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace saker::app
