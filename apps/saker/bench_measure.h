// measure(): a run of the load, its server watched and its progress shown meanwhile.
#pragma once

#include "bench_live.h"
#include "bench_options.h"
#include "bench_runner.h"
#include "server_watch.h"

namespace saker::app {

template <typename Workload>
void measure(BenchRunner<Workload>& runner, const BenchOptions& options, ServerWatch& server,
             LiveDisplay& live) {
  runner.make_calls();
  server.look(-kStartDelay - options.warmup);
  const Duration period = server.is_on() ? ServerWatch::kPeriod : live.period();
  runner.run(period, [&](const BenchProgress& progress) {
    server.look(progress.elapsed);
    live.show(progress, server);
  });
  server.finish();
}

}  // namespace saker::app
