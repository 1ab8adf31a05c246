// The page of several targets that took turns: their figures, curves, and ratios beside the first one.
"use strict";
(() => {
  const { report, byId, count, duration, rate, add, row, axis, kSide, series, fromZero, draw } = page;
  const { targets, settings } = report;
  const rounds = Math.max(...targets.map((target) => target.rounds.calls.length));

  page.setTitle(`${report.method}: ${targets.map((target) => target.target).join(", ")}`);
  add(byId("what"), "p", `${page.loadWords(settings)}; ${page.plural(rounds, "round")} of ${duration(settings.round_ns)} each, in turns`);
  page.addNotes([...report.warnings.map((text) => "warning: " + text),
    ...targets.flatMap((target) => target.broken_assertions.map((text) => `failed: ${target.target}: ${text}`))]);

  row(byId("targets"), ["target", "calls/s", "p50", "p99", "p99.9", "max", "errors"], "th");
  for (const target of targets) {
    const latency = target.corrected_latency_ns;
    row(byId("targets"), [target.target, count(target.calls_per_second), duration(latency.p50), duration(latency.p99),
      duration(latency.p99_9), duration(latency.max), count(target.errors)]);
  }

  byId("beside").textContent = `Beside ${targets[0].target}`;
  row(byId("ratios"), ["", "ratio", "95 % interval"], "th");
  for (const target of targets.slice(1)) {
    for (const { figure, ratio, interval_95: interval } of target.beside_first) {
      row(byId("ratios"), [`${figure} of ${target.target}`, ratio.toFixed(3),
        interval ? interval.map((end) => end.toFixed(3)).join(" – ") : ""]);
    }
  }
  page.showCosts(targets.flatMap((target) => ["client", "server"].map((end) =>
    [`${target.target} ${end}`, target.calls, target[end]])));
  page.showEnvironment();

  // ---- plots

  const numbers = Array.from({ length: rounds }, (_, i) => i + 1);
  page.keepDrawn(() => {
    const seen = targets.map((target, i) => [target.target, page.kTones[i], target.corrected_latency_ns])
      .filter(([, , histogram]) => histogram.count > 0);
    if (seen.length) page.drawPercentiles("percentiles", seen);
    draw("rate", 280, {
      scales: { x: { time: false, range: () => [0.5, rounds + 0.5] }, y: fromZero },
      axes: [axis(count, { incrs: [1, 2, 5, 10, 20, 50, 100, 200] }), axis(rate, kSide)],
      series: [{ label: "round", value: (plot, x) => count(x) },
        ...targets.map((target, i) => series(target.target, page.kTones[i], count, { points: { show: true, size: 6 } }))],
    }, [numbers, ...targets.map((target) => numbers.map((_, i) => target.rounds.calls_per_second[i] ?? null))]);
  });
})();
