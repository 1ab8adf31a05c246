// The page of one run: figures, plots and tables.
"use strict";
(() => {
  const { report, byId, count, digits, duration, rate, add, row, colour, axis, kSide, series, decades, powers, fromZero,
    draw, figure } = page;

  // ---- what was measured

  const settings = report.settings;
  const latency = report.latency_ns;
  const isOpen = settings.loop === "open";
  const line = report.timeline;
  const rows = line.calls.length;
  const interval = line.interval_ns / 1e9;
  const total = report.duration_ns / 1e9;
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
  if (report.started_at_unix_ms) {
    add(byId("what"), "p", new Date(report.started_at_unix_ms).toISOString().replace("T", " ").slice(0, 19) + " UTC");
  }
  page.addNotes([...report.warnings.map((text) => "warning: " + text),
    ...report.broken_assertions.map((text) => "failed: " + text)]);

  const lat = latency.corrected;
  figure(count(report.calls_per_second), "calls a second");
  figure(duration(lat.p50), "p50");
  figure(duration(lat.p99), "p99");
  figure(duration(lat.p99_9), "p99.9");
  figure(duration(lat.max), "slowest");
  figure(count(report.errors), "errors of " + count(report.calls) + " calls", report.errors > 0);
  const perCall = (cpu) => duration(cpu / Math.max(report.calls, 1));
  figure(perCall(report.client.cpu_ns), "client CPU a call");
  if (report.server) figure(perCall(report.server.cpu_ns), "server CPU a call");

  const latencies = byId("latencies");
  row(latencies, isOpen ? ["latency", "corrected", "uncorrected"] : ["latency", ""], "th");
  for (const key of ["min", "mean", "stddev", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99", "max"]) {
    const cells = [key.replace("_", "."), duration(lat[key])];
    row(latencies, isOpen ? [...cells, duration(latency.uncorrected[key])] : cells);
  }
  row(byId("statuses"), ["status", "calls"], "th");
  report.statuses.forEach((status) => row(byId("statuses"), [status.name, count(status.calls)]));
  page.showEnvironment();

  // ---- plots

  const seconds = Array.from({ length: rows }, (_, i) => interval * i);
  const timeSeries = { label: "time", value: (plot, x) => (x == null ? "" : digits(x) + " s") };
  const timeAxis = () => axis((x) => digits(x) + " s");
  const timeScale = { time: false, range: () => [0, interval * Math.max(rows - 1, 1)] };
  const dots = { points: { show: rows < 2 } };

  const drawTimeline = () => {
    draw("rate", 240, {
      scales: { x: timeScale, y: fromZero, errors: fromZero },
      axes: [timeAxis(), axis(rate, kSide)],
      series: [timeSeries, series("calls/s", "one", count, { fill: colour("fill"), ...dots }),
        series("errors/s", "bad", count, dots)],
    }, [seconds, line.calls.map((calls, i) => calls / length(i)), line.errors.map((errors, i) => errors / length(i))]);
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

  page.keepDrawn(() => {
    drawTimeline();
    if (latency.corrected.count > 0) {
      drawCurves();
      drawHistogram();
    }
  });
})();
