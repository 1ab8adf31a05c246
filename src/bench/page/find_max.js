// The page of a search for the highest rate: latency and achieved rate by the rate that was asked for,
// with a line where the assertions begin to break.
"use strict";
(() => {
  const { report, byId, count, duration, rate, add, row, colour, axis, kSide, series, decades, powers, draw, figure } = page;
  const { curve, settings } = report;
  const rates = curve.map((point) => point.rate);
  const knee = report.knee_rate;

  page.setTitle(`${report.method} at ${report.target}: the highest rate`);
  add(byId("what"), "p", `${page.sizeWords(settings)}, ${settings.arrivals} arrivals, ` +
      `${count(settings.payload_bytes)} bytes of payload${page.streamWords(settings)}, ${report.transport}`);
  add(byId("what"), "p", `with ${report.assertions.join(", ")}; rounds of ${duration(settings.round_ns)}, ` +
      `to ${settings.resolution * 100} %`);
  page.addNotes(report.warnings.map((text) => "warning: " + text));

  const at = (wanted) => curve.find((point) => point.rate === wanted);
  figure(knee == null ? "none" : count(knee), "calls a second hold", knee == null);
  if (report.first_broken_rate != null) figure(count(report.first_broken_rate), "calls a second do not");
  if (at(knee)) {
    figure(duration(at(knee).corrected_latency_ns.p50), "p50 there");
    figure(duration(at(knee).corrected_latency_ns.p99), "p99 there");
    figure(duration(at(knee).corrected_latency_ns.max), "slowest there");
  }

  if (report.rounds_thrown_away > 0) {
    add(byId("what"), "p", `${page.plural(report.rounds_thrown_away, "round")} thrown away: the machine's own speed ` +
        "changed by over 3 % meanwhile");
  }

  row(byId("rates"), ["rate", "achieved", "p50", "p99", "p99.9", "max", "errors", "rounds", ""], "th");
  for (const point of curve) {
    const latency = point.corrected_latency_ns;
    const verdict = (point.holds ? "holds" : point.why_broken) + (point.generator_limited ? " (generator behind)" : "");
    row(byId("rates"), [count(point.rate), count(point.achieved_rate), duration(latency.p50), duration(latency.p99),
      duration(latency.p99_9), duration(latency.max), count(point.errors), `${point.rounds_held} of ${point.rounds}`,
      verdict]);
  }
  page.showCosts(curve.flatMap((point) => ["client", "server"].map((end) =>
    [`${end} at ${count(point.rate)}/s`, point.calls, point[end]])));
  page.showEnvironment();

  // ---- plots

  const rateSeries = { label: "calls/s", value: (plot, x) => (x == null ? "" : count(x)) };
  const rateScale = { time: false, range: (plot, low, high) => [0, (high ?? 1) * 1.05] };
  const rateAxis = () => axis(rate, { space: 60 });
  const dots = { points: { show: true, size: 6 } };
  const kneeLine = { drawAxes: [(plot) => {
    if (knee == null) return;
    const x = Math.round(plot.valToPos(knee, "x", true));
    plot.ctx.save();
    plot.ctx.strokeStyle = colour("quiet");
    plot.ctx.setLineDash([6, 6]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.restore();
  }] };
  const latencyOf = (key) => curve.map((point) => point.corrected_latency_ns[key] || null);

  page.keepDrawn(() => {
    draw("latency", 320, {
      scales: { x: rateScale, y: decades }, hooks: kneeLine,
      axes: [rateAxis(), axis(duration, { ...kSide, splits: powers })],
      series: [rateSeries, series("p50", "one", duration, dots), series("p99", "two", duration, dots),
        series("p99.9", "three", duration, dots)],
    }, [rates, latencyOf("p50"), latencyOf("p99"), latencyOf("p99_9")]);
    draw("achieved", 320, {
      scales: { x: rateScale, y: rateScale }, hooks: kneeLine,
      axes: [rateAxis(), axis(rate, kSide)],
      series: [rateSeries, series("asked for", "quiet", count, { dash: [6, 6], width: 1 }),
        series("achieved", "one", count, dots)],
    }, [rates, rates, curve.map((point) => point.achieved_rate)]);
  });
})();
