// The page of one run: figures, plots and tables.
"use strict";
(() => {
  const { report, byId, count, digits, duration, rate, add, row, table, colour, axis, kSide, series, decades, powers,
    fromZero, draw, figure } = page;

  // ---- what was measured

  const settings = report.settings;
  const latency = report.latency_ns;
  const isOpen = settings.loop === "open";
  const line = report.timeline;
  const rows = line.calls.length;
  const interval = line.interval_ns / 1e9;
  const total = report.duration_ns / 1e9;
  const phases = report.phases || [];
  const mix = report.mix || [];
  const length = (i) => (i + 1 < rows ? interval : total - interval * i);

  const kBins = 48;
  const bins = (histogram) => {
    const low = Math.max(histogram.min, 1);
    const ratio = Math.max(histogram.max / low, 1.0001) ** (1 / kBins);
    const heights = new Array(kBins).fill(0);
    histogram.buckets.lowest_ns.forEach((ns, i) => {
      const bin = Math.floor(Math.log(Math.max(ns, low) / low) / Math.log(ratio));
      heights[Math.min(bin, kBins - 1)] += histogram.buckets.counts[i];
    });
    return { edge: (bin) => low * ratio ** bin, heights };
  };

  // ---- the page's words

  page.setTitle(report.method + " at " + report.target);
  add(byId("what"), "p", `${page.loadWords(settings)}, ${report.transport}, ${digits(total)} s`);
  if (settings.schedule) add(byId("what"), "p", "schedule: " + settings.schedule);
  if (settings.warmup_ns > 0) add(byId("what"), "p", `after ${duration(settings.warmup_ns)} of warm-up`);
  if (report.started_at_unix_ms) {
    add(byId("what"), "p", new Date(report.started_at_unix_ms).toISOString().replace("T", " ").slice(0, 19) + " UTC");
  }
  page.addNotes([...report.warnings.map((text) => "warning: " + text),
    ...report.broken_assertions.map((text) => "failed: " + text)]);

  const lat = latency.corrected;
  figure(count(report.calls_per_second), "calls a second");
  if (settings.stream) figure(count(report.messages_per_second), "messages a second");
  figure(duration(lat.p50), "p50");
  figure(duration(lat.p99), "p99");
  figure(duration(lat.p99_9), "p99.9");
  figure(duration(lat.max), "slowest");
  figure(count(report.errors), "errors of " + count(report.calls) + " calls", report.errors > 0);
  const perCall = (cpu) => duration(cpu / Math.max(report.calls, 1));
  figure(perCall(report.client.cpu_ns), "client CPU a call");
  if (report.server) figure(perCall(report.server.cpu_ns), "server CPU a call");

  const gaps = latency.message;
  const kinds = [[isOpen ? "corrected" : gaps ? "a call" : "", lat], ...(isOpen ? [["uncorrected", latency.uncorrected]] : []),
    ...(gaps ? [["per message", gaps]] : [])];
  row(byId("latencies"), ["latency", ...kinds.map(([name]) => name)], "th");
  for (const key of ["min", "mean", "stddev", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99", "max"]) {
    row(byId("latencies"), [key.replace("_", "."), ...kinds.map(([, histogram]) => duration(histogram[key]))]);
  }
  row(byId("statuses"), ["status", "calls"], "th");
  report.statuses.forEach((status) => row(byId("statuses"), [status.name, count(status.calls)]));
  const latencyCells = (histogram) => ["p50", "p99", "p99_9", "max"].map((key) => duration(histogram[key]));
  if (report.connects) {
    const { count: made, per_second: perSecond, latency_ns: took } = report.connects;
    table("connects", ["connects", "a second", "p50", "p99", "p99.9", "max"], [[count(made), count(perSecond), ...latencyCells(took)]]);
  }
  if (report.backends.length > 1) {
    table("backends", ["server", "calls"], report.backends.map((backend) => [backend.backend, count(backend.calls)]));
  }
  table("phases", ["phase", "length", "offered/s", "achieved/s", "p50", "p99", "p99.9", "max", "errors"],
    phases.map((phase) => [phase.phase, duration(phase.duration_ns), count(phase.offered_rate), count(phase.achieved_rate),
      ...latencyCells(phase.corrected_latency_ns), count(phase.errors)]));
  const entryName = (entry) => `${entry.algorithm} @ ${entry.key}`;
  table("mix", ["algorithm and key", "weight", "calls", "calls/s", "p50", "p99", "p99.9", "max", "errors"],
    mix.map((entry) => [entryName(entry), count(entry.weight), count(entry.calls), count(entry.calls_per_second),
      ...latencyCells(entry.corrected_latency_ns), count(entry.errors)]));
  page.showCosts([["client", report.calls, report.client], ["server", report.calls, report.server]]);
  page.showEnvironment();

  // ---- plots

  const seconds = Array.from({ length: rows }, (_, i) => interval * i);
  const timeSeries = { label: "time", value: (plot, x) => (x == null ? "" : digits(x) + " s") };
  const timeAxis = () => axis((x) => digits(x) + " s");
  const timeScale = { time: false, range: () => [0, interval * Math.max(rows - 1, 1)] };
  const dots = { points: { show: rows < 2 } };

  // Calls that the schedule asks for in a row, per second: each phase's share of it, at its rate in the middle.
  const asked = (i) => {
    const from = line.interval_ns * i;
    const to = from + length(i) * 1e9;
    let calls = 0;
    for (const phase of phases) {
      const begin = Math.max(from, phase.begin_ns);
      const end = Math.min(to, phase.begin_ns + phase.duration_ns);
      if (end <= begin) continue;
      const middle = ((begin + end) / 2 - phase.begin_ns) / phase.duration_ns;
      calls += (phase.from_rate + (phase.to_rate - phase.from_rate) * middle) * (end - begin) / 1e9;
    }
    return calls / length(i);
  };

  const drawTimeline = () => {
    const plan = phases.length ? [[series("asked for", "quiet", count, { dash: [6, 6], ...dots }), seconds.map((_, i) => asked(i))]] : [];
    draw("rate", 240, {
      scales: { x: timeScale, y: fromZero, errors: fromZero },
      axes: [timeAxis(), axis(rate, kSide)],
      series: [timeSeries, series("calls/s", "one", count, { fill: colour("fill"), ...dots }),
        series("errors/s", "bad", count, dots), ...plan.map(([shown]) => shown)],
    }, [seconds, line.calls.map((calls, i) => calls / length(i)), line.errors.map((errors, i) => errors / length(i)),
      ...plan.map(([, values]) => values)]);
    const seen = (values) => values.map((ns) => (ns > 0 ? ns : null));
    draw("latency", 240, {
      scales: { x: timeScale, y: decades },
      axes: [timeAxis(), axis(duration, { ...kSide, splits: powers })],
      series: [timeSeries, series("p50", "one", duration, dots), series("p99", "two", duration, dots),
        series("max", "three", duration, dots)],
    }, [seconds, seen(line.p50_ns), seen(line.p99_ns), seen(line.max_ns)]);
  };

  const drawHistogram = () => {
    const { edge, heights } = bins(latency.corrected);
    const places = heights.map((_, i) => i + 0.5);
    draw("histogram", 280, {
      scales: { x: { time: false, range: () => [0, kBins] }, y: fromZero },
      axes: [axis((x) => duration(edge(x)), { space: 60 }), axis(rate, kSide)],
      series: [{ label: "latency", value: (plot, x) => (x == null ? "" : duration(edge(x - 0.5)) + " – " + duration(edge(x + 0.5))) },
        series("calls", "one", count,
          { fill: colour("fill"), width: 1, paths: uPlot.paths.bars({ size: [0.9, 100] }) })],
    }, [places, heights]);
  };

  const drawCurves = () => page.drawPercentiles("percentiles", [
    [isOpen ? "corrected" : "latency", "one", latency.corrected],
    ...(isOpen ? [["uncorrected", "two", latency.uncorrected]] : []),
  ]);

  const drawSection = (id, curves) => {
    const seen = curves.filter(([, , histogram]) => histogram && histogram.count > 0);
    if (!seen.length) return;
    byId(id).closest("section").hidden = false;
    page.drawPercentiles(id, seen);
  };

  page.keepDrawn(() => {
    drawTimeline();
    if (latency.corrected.count > 0) {
      drawCurves();
      drawHistogram();
      drawSection("gaps", [["per message", "one", gaps]]);
      drawSection("mix-percentiles", mix.slice(0, page.kTones.length)
        .map((entry, i) => [entryName(entry), page.kTones[i], entry.corrected_latency_ns]));
    }
  });
})();
