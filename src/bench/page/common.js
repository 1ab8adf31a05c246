// What all pages share: words and numbers, tables, and uPlot set up the same way everywhere. The
// document that a page shows is in it as JSON.
"use strict";
const page = (() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const byId = (id) => document.getElementById(id);

  // ---- words and numbers

  const count = (value) => (value == null ? "" : Math.round(value).toLocaleString("en-US"));
  const digits = (value) => String(Number(value.toPrecision(3)));
  const duration = (ns) => {
    if (ns == null) return "";
    const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
    const [size, unit] = units.find(([least]) => ns >= least * 0.9995) || units[3];
    return digits(ns / size) + " " + unit;
  };
  const rate = (value) => {
    if (value == null) return "";
    if (value >= 999.5e3) return digits(value / 1e6) + " M";
    return value >= 9995 ? digits(value / 1e3) + " k" : digits(value);
  };
  const bytes = (value) => {
    if (value == null) return "";
    const units = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
    const [size, unit] = units.find(([least]) => value >= least) || units[3];
    return digits(value / size) + " " + unit;
  };
  const percent = (share) => {
    // From 99 % on, as many nines as it takes.
    const places = share < 0.99 ? 0 : Math.max(0, Math.round(-Math.log10(1 - share)) - 2);
    return (100 * share).toFixed(Math.min(places, 9)) + " %";
  };

  const add = (parent, name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  };
  const row = (table, cells, name = "td") => {
    const line = add(table, "tr");
    cells.forEach((text, i) => add(line, name, text, i ? "number" : ""));
  };

  // A table of its own, in a section that is hidden as long as it has no rows.
  const table = (id, titles, rows) => {
    if (!rows.length) return;
    byId(id).closest("section").hidden = false;
    row(byId(id), titles, "th");
    rows.forEach((cells) => row(byId(id), cells));
  };
  // What calls cost: a row for each [name, calls, load], as the document has loads.
  const showCosts = (ends) => table("costs",
    ["", "CPU", "CPU a call", "calls a core-second", "memory, at most", "waited", "preempted"],
    ends.filter(([, , load]) => load).map(([name, calls, load]) => [name, duration(load.cpu_ns),
      duration(load.cpu_ns / Math.max(calls, 1)), count(load.calls_per_core_second), bytes(load.peak_resident_bytes),
      count(load.context_switches?.voluntary), count(load.context_switches?.involuntary)]));

  const setTitle = (text) => {
    document.title = text;
    byId("title").textContent = text;
  };
  const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
  const sizeWords = (settings) => `${plural(settings.connections, "connection")} × ` +
      `${plural(settings.streams_per_connection, "stream")}, ${plural(settings.threads, "thread")}`;
  const kStreams = { client: "client streaming", server: "server streaming", bidi: "bidirectional streaming" };
  const streamWords = (settings) => {
    if (!settings.stream) return "";
    const messages = settings.messages_per_stream;
    return `, ${kStreams[settings.stream]}` + (messages ? `, ${plural(messages, "message")} a stream` : "");
  };
  const loadWords = (settings) => {
    const average = settings.schedule ? " on average" : "";
    const loop = settings.loop === "open"
      ? `open loop at ${count(settings.intended_rate)} calls/s${average} (${settings.arrivals})` : "closed loop";
    return `${sizeWords(settings)}, ${loop}, ${count(settings.payload_bytes)} bytes of payload${streamWords(settings)}`;
  };
  const addNotes = (notes) => {
    if (!notes.length) return;
    const list = add(byId("what"), "ul", undefined, "notes");
    notes.forEach((text) => add(list, "li", text));
  };
  const figure = (value, label, isBad) => {
    const box = add(byId("figures"), "div", undefined, isBad ? "figure bad" : "figure");
    add(box, "b", value);
    add(box, "span", label);
  };
  const showEnvironment = () => {
    for (const [name, value] of Object.entries(report.environment)) {
      const tr = add(byId("environment"), "tr");
      add(tr, "td", name);
      add(tr, "td", value, "long");
    }
  };

  // Where each bucket ends; the same arithmetic as histogram.h's. Numbers up to 2^42 are exact here.
  const bucketEnd = (lowest) => {
    const shift = Math.max(0, Math.floor(Math.log2(Math.max(lowest, 1))) - 10);
    return lowest + 2 ** shift - 1;
  };

  // [1 / (1 - share of calls), latency]: at each bucket, but no closer than a pixel or so.
  const percentileCurve = (histogram) => {
    const points = [[1, histogram.min]];
    const { lowest_ns: lowest, counts } = histogram.buckets;
    let seen = 0;
    for (let i = 0; i < counts.length; ++i) {
      seen += counts[i];
      const left = histogram.count - seen;
      const x = left > 0 ? histogram.count / left : 2 * histogram.count;
      const y = Math.min(bucketEnd(lowest[i]), histogram.max);
      if (x > points[points.length - 1][0] * 1.01 || left === 0) points.push([x, y]);
    }
    return points;
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const axis = (values, more) => ({
    stroke: colour("quiet"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 },
    values: (plot, splits) => splits.map((split) => (split == null ? "" : values(split))), ...more,
  });
  const kTones = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
  const kSide = { size: 64 };
  const series = (label, tone, value, more) => ({
    label, stroke: colour(tone), width: 2, points: { show: false }, value: (plot, raw) => value(raw), ...more,
  });
  // A scale of powers of ten: a little wider than what it shows, and never of no width.
  const decades = { distr: 3, range: (plot, low, high) => {
    const least = Math.max(low ?? 1, 1);
    return [10 ** Math.floor(Math.log10(least)), 10 ** Math.max(Math.ceil(Math.log10(high ?? 10)), Math.floor(Math.log10(least)) + 1)];
  } };
  // Ticks at powers of ten only, and at no more of them than there is room for below the plot.
  const powers = (plot, index, low, high) => {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const room = index === 0 ? Math.max(plot.width / 80, 2) : Infinity;
    const all = [];
    for (let power = first; power <= last; power += Math.max(Math.ceil((last - first) / room), 1)) all.push(10 ** power);
    return all;
  };
  const fromZero = { range: (plot, low, high) => [0, Math.max(high ?? 1, 1e-9) * 1.1] };

  const draw = (id, height, options, data) => {
    const place = byId(id);
    place.replaceChildren();
    const cursor = { drag: { x: false, y: false } };
    new uPlot({ width: place.clientWidth, height, cursor, ...options }, data, place);
  };

  // `curves`: [label, colour, histogram].
  const drawPercentiles = (id, curves) => {
    const tables = curves.map(([, , histogram]) => percentileCurve(histogram))
      .map((points) => [points.map((p) => p[0]), points.map((p) => p[1])]);
    draw(id, 280, {
      scales: { x: { time: false, distr: 3, range: (plot, low, high) => [1, Math.max(high, 10)] }, y: decades },
      axes: [axis((x) => percent(1 - 1 / x), { splits: powers, space: 30 }), axis(duration, { ...kSide, splits: powers })],
      series: [{ label: "calls", value: (plot, x) => (x == null ? "" : percent(1 - 1 / x)) },
        ...curves.map(([label, tone]) => series(label, tone, duration, { spanGaps: true }))],
    }, uPlot.join(tables));
  };

  // Plots are drawn anew when the window's width or the colour scheme changes.
  const keepDrawn = (drawAll) => {
    drawAll();
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      drawAll();
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  };

  return {
    report, byId, count, digits, duration, rate, percent, add, row, table, showCosts, setTitle, plural, sizeWords,
    streamWords, loadWords, addNotes, figure, showEnvironment, percentileCurve, colour, kTones, axis, kSide, series, decades, powers, fromZero, draw, drawPercentiles,
    keepDrawn,
  };
})();
