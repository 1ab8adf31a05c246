#include "bench_flags.h"

#include <cstdio>

#include "redaction.h"
#include "saker/base/quantity.h"
#include "version.h"

namespace saker::app {
namespace {

// A list of flags that grows; each kind says when it has nothing to say.
class FlagText {
 public:
  void add(std::string_view name, const std::string& value) {
    text_.append(text_.empty() ? "" : " ").append(name).append(" ").append(in_shell(value));
  }
  void add_text(std::string_view name, const std::string& value) {
    if (!value.empty()) add(name, value);
  }
  void add_count(std::string_view name, uint64_t value) {
    if (value != 0) add(name, std::to_string(value));
  }
  void add_duration(std::string_view name, Duration value) {
    if (value > Duration::zero() && value < Duration::max()) add(name, format_duration(value));
  }
  void add_switch(std::string_view name, bool is_on) {
    if (is_on) add_words(std::string(name));
  }
  void add_words(const std::string& words) {
    if (!words.empty()) text_.append(text_.empty() ? "" : " ").append(words);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string list_of(const std::vector<net::Target>& targets) {
  std::string text;
  for (const net::Target& target : targets) {
    text.append(text.empty() ? "" : ",").append(net::to_string(target));
  }
  return text;
}

std::string list_of(const std::vector<bench::Assertion>& assertions) {
  std::string text;
  for (const bench::Assertion& assertion : assertions) {
    text.append(text.empty() ? "" : ",").append(assertion.text);
  }
  return text;
}

std::string number(double value) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

// How long, and at which rate.
void add_length(const BenchOptions& options, FlagText& flags) {
  if (options.find_max) {
    flags.add_words("--find-max --round " + format_duration(options.round));
    flags.add("--resolution", number(options.resolution * 100) + "%");
    flags.add("--rps", number(options.start_rate));
  } else if (!options.compare.empty()) {
    flags.add("--compare", list_of(options.compare));
    flags.add_words("--round " + format_duration(options.round));
    flags.add_count("--rounds", options.rounds);
  } else if (!options.plan.empty()) {
    flags.add("--schedule", options.plan.text());
  } else if (options.count != 0) {
    flags.add_count("-n", options.count);
  } else {
    flags.add_duration("-z", options.duration);
  }
  if (options.rate > 0 && !options.find_max) {
    flags.add("--rps", number(options.rate));
  }
  if (options.open_loop()) {
    flags.add("--arrivals", options.arrivals == bench::Arrivals::kPoisson ? "poisson" : "constant");
  }
  flags.add_duration("--warmup", options.warmup);
}

void add_tls(const TargetOptions& target, FlagText& flags) {
  flags.add_switch("--tls", target.uses_tls());
  flags.add_text("--ca", target.ca);
  flags.add_text("--tls-cert", target.certificate);
  flags.add_text("--tls-key", target.key);
  flags.add_text("--server-name", target.server_name);
  flags.add_switch("--skip-verify", target.skip_verify);
}

void add_channel(const BenchOptions& options, FlagText& flags) {
  if (options.channel.balancing != rpc::Balancing::kDefault) {
    flags.add("--balance", std::string(rpc::balancing_name(options.channel.balancing)));
  }
  flags.add_text("--service-config", options.channel.service_config_file);
  flags.add_duration("--deadline", options.deadline);
  flags.add_duration("--connect-timeout", options.connect_timeout);
  flags.add_duration("--busy-poll", options.busy_poll);
  flags.add_count("--churn", options.churn_calls);
  flags.add_duration("--churn-every", options.churn_every);
}

}  // namespace

std::string shown_flags(const BenchOptions& options) {
  FlagText flags;
  flags.add_count("-c", options.connections);
  flags.add_count("-m", options.streams);
  flags.add_count("-t", options.threads);
  add_length(options, flags);
  flags.add_words(options.workload_flags);
  flags.add_count("--messages", options.messages);
  for (const std::string& header : shown_headers(options.metadata)) flags.add("-H", header);
  add_tls(options.target, flags);
  add_channel(options, flags);
  flags.add_text("--assert", list_of(options.assertions));
  flags.add_count("--server-pid", options.server_pid);
  return flags.take();
}

}  // namespace saker::app
