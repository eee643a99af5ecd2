// Telemetry around an event: one chart a metric, zoom in common, the usual range and the event's marks.
// A zoom asks the server again, so that what is seen is as fine as what was kept.
"use strict";
(async function () {
  const place = document.getElementById("series");
  const words = JSON.parse(place.dataset.words);
  const charts = [];
  const look = getComputedStyle(document.documentElement);
  const colour = function (name) { return look.getPropertyValue("--" + name).trim(); };
  let whole = null, zooming = false, timer = 0, asked = 0;

  async function load(from, to) {
    const address = new URL(place.dataset.source, location.href);
    if (from) { address.searchParams.set("from_ms", Math.floor(from * 1000)); address.searchParams.set("to_ms", Math.ceil(to * 1000)); }
    return (await fetch(address, {cache: "no-store"})).json();
  }

  function marks(metric, answer) {
    return function (u) {
      const c = u.ctx, box = u.bbox, scale = devicePixelRatio;
      c.save();
      c.beginPath(); c.rect(box.left, box.top, box.width, box.height); c.clip();
      if (metric.band) {
        const top = u.valToPos(metric.band[1], "y", true), bottom = u.valToPos(metric.band[0], "y", true);
        c.fillStyle = colour("usual"); c.globalAlpha = .7;
        c.fillRect(box.left, top, box.width, Math.max(bottom - top, 2 * scale));
        c.globalAlpha = 1;
      }
      answer.marks.forEach(function (mark, i) {
        const x = u.valToPos(mark.at_ms / 1000, "x", true);
        c.strokeStyle = c.fillStyle = colour("warm"); c.lineWidth = 1.5 * scale; c.setLineDash([4 * scale, 3 * scale]);
        c.beginPath(); c.moveTo(x, box.top); c.lineTo(x, box.top + box.height); c.stroke();
        c.setLineDash([]); c.font = 600 + " " + 11 * scale + "px system-ui, sans-serif"; c.textAlign = "left";
        const text = words[mark.kind] || mark.kind, right = x + c.measureText(text).width + 8 * scale > box.left + box.width;
        if (right) c.textAlign = "right";
        c.fillText(text, x + (right ? -4 : 4) * scale, box.top + (12 + 13 * (i % 2)) * scale);
      });
      c.restore();
    };
  }

  function draw(metric, answer) {
    const holder = document.createElement("div");
    holder.className = "chart";
    const title = document.createElement("h3");
    title.textContent = metric.title + (metric.unit === "1" ? "" : " · " + metric.unit);
    holder.append(title);
    place.append(holder);
    const line = colour("accent"), axis = {stroke: colour("soft"), grid: {stroke: colour("line"), width: 1}, ticks: {stroke: colour("line"), width: 1}, font: "11px system-ui, sans-serif"};
    const zone = answer.zone;
    const chart = new uPlot({
      width: place.clientWidth, height: metric.focus ? 260 : 150,
      tzDate: function (ts) { return uPlot.tzDate(new Date(ts * 1000), zone); },
      fmtDate: function (pattern) { return uPlot.fmtDate(pattern.replace("{h}:{mm}{aa}", "{HH}:{mm}").replace("{h}{aa}", "{HH}:00")); },
      cursor: {sync: {key: "event"}, drag: {x: true, y: false}},
      legend: {show: Boolean(metric.focus)},
      scales: {y: {range: function (u, low, high) {
        if (metric.band) { low = Math.min(low, metric.band[0]); high = Math.max(high, metric.band[1]); }
        return uPlot.rangeNum(low, high, .1, true);
      }}},
      axes: [axis, Object.assign({size: 46}, axis)],
      series: [
        {value: function (u, ts) { return ts === null || ts === undefined ? "" : new Date(ts * 1000).toLocaleString(document.documentElement.lang, {timeZone: zone}); }},
        {label: words.highest, stroke: line, width: 1.3, spanGaps: false, points: {show: false}},
        {label: words.lowest, stroke: line, width: 1.3, spanGaps: false, points: {show: false}},
      ],
      bands: [{series: [1, 2], fill: line + "55"}],
      hooks: {drawAxes: [marks(metric, answer)], setScale: [function (u, key) { if (key === "x") zoomed(u); }]},
    }, [answer.ts, metric.high, metric.low], holder);
    charts.push({chart: chart, name: metric.name});
  }

  function zoomed(from) {
    if (zooming || !whole) return;
    zooming = true;
    const range = {min: from.scales.x.min, max: from.scales.x.max};
    charts.forEach(function (each) { if (each.chart !== from) each.chart.setScale("x", range); });
    zooming = false;
    clearTimeout(timer);
    timer = setTimeout(refine, 250, range);
  }

  async function refine(range) {
    const turn = ++asked;
    const all = range.min <= whole.min && range.max >= whole.max;
    const answer = all ? await load() : await load(range.min, range.max);
    if (turn !== asked || !answer.ts.length) return;
    zooming = true;
    charts.forEach(function (each) {
      const metric = answer.metrics.find(function (candidate) { return candidate.name === each.name; });
      each.chart.setData([answer.ts, metric.high, metric.low], false);
      each.chart.setScale("x", all ? whole : range);
    });
    zooming = false;
  }

  const answer = await load();
  if (!answer.ts.length) { place.textContent = words.none; return; }
  answer.metrics.forEach(function (metric) { draw(metric, answer); });
  whole = {min: answer.ts[0], max: answer.ts[answer.ts.length - 1]};
  place.dataset.drawn = String(charts.length);
  addEventListener("resize", function () {
    charts.forEach(function (each) { each.chart.setSize({width: place.clientWidth, height: each.chart.height}); });
  });
})();
