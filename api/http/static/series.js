// Telemetry around an event: one chart a metric, cursor and zoom in common, the usual range and the event's marks.
// A zoom asks the server again, so that what is seen is as fine as what was kept.
"use strict";
(async function () {
  const place = document.getElementById("series");
  const words = JSON.parse(place.dataset.words);
  const language = document.documentElement.lang;
  const charts = [];
  let whole = null, shown = null, timer = 0, turn = 0;

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim(); }

  async function load(from, to) {
    const address = new URL(place.dataset.source, location.href);
    if (from) {
      address.searchParams.set("from_ms", Math.floor(from * 1000));
      address.searchParams.set("to_ms", Math.ceil(to * 1000));
    }
    const answer = await fetch(address, {cache: "no-store"});
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  }

  function clocks(zone) {
    const day = new Intl.DateTimeFormat(language, {timeZone: zone, month: "short", day: "numeric"});
    const time = new Intl.DateTimeFormat("en-GB", {timeZone: zone, hour: "2-digit", minute: "2-digit"});
    return {
      tick: function (ts) { const text = time.format(ts * 1000); return text === "00:00" ? day.format(ts * 1000) : text; },
      full: function (ts) { return day.format(ts * 1000) + ", " + time.format(ts * 1000); },
    };
  }

  function behind(metric, answer) {  // usual range and marks, under the line
    return function (u) {
      const c = u.ctx, box = u.bbox, scale = devicePixelRatio;
      c.save();
      if (metric.band) {
        const top = Math.max(u.valToPos(metric.band[1], "y", true), box.top);
        const bottom = Math.min(u.valToPos(metric.band[0], "y", true), box.top + box.height);
        c.fillStyle = colour("usual");
        c.fillRect(box.left, top, box.width, Math.max(bottom - top, 2 * scale));
      }
      c.strokeStyle = c.fillStyle = colour("warm"); c.lineWidth = 1.5 * scale;
      answer.marks.forEach(function (mark) {
        const x = u.valToPos(mark.at_ms / 1000, "x", true), text = words[mark.kind] || mark.kind;
        if (x < box.left || x > box.left + box.width) return;
        c.setLineDash([4 * scale, 3 * scale]);
        c.beginPath(); c.moveTo(x, box.top - (metric.focus ? 4 * scale : 0)); c.lineTo(x, box.top + box.height); c.stroke();
        c.setLineDash([]);
        if (!metric.focus) return;
        c.font = "600 " + 11 * scale + "px system-ui, sans-serif";
        c.textAlign = x > box.left + box.width / 2 && mark.kind === "since" || x + c.measureText(text).width > box.left + box.width ? "right" : "left";
        c.fillText(text, x, box.top - 7 * scale);
      });
      c.restore();
    };
  }

  function before(metric) {  // the usual range's word, above the bars, with a halo
    return function (u) {
      const c = u.ctx, scale = devicePixelRatio, top = Math.max(u.valToPos(metric.band[1], "y", true), u.bbox.top + 14 * scale);
      c.save();
      c.font = "600 " + 11 * scale + "px system-ui, sans-serif"; c.textAlign = "left"; c.lineJoin = "round";
      c.strokeStyle = colour("card"); c.lineWidth = 3 * scale; c.fillStyle = colour("accent");
      c.strokeText(words.band, u.bbox.left + 6 * scale, top - 4 * scale);
      c.fillText(words.band, u.bbox.left + 6 * scale, top - 4 * scale);
      c.restore();
    };
  }

  function draw(metric, answer) {
    const holder = document.createElement("div"), title = document.createElement("h3"), readout = document.createElement("small");
    const clock = clocks(answer.zone), unit = metric.unit === "1" ? "" : " " + metric.unit;
    holder.className = "chart";
    title.append(metric.title + (unit ? " ·" + unit : "") + " ", readout);
    holder.append(title);
    place.append(holder);
    const line = colour(metric.bars ? "run" : "accent");
    const axis = {stroke: colour("soft"), grid: {stroke: colour("line"), width: 1}, ticks: {show: false}, font: "11px system-ui, sans-serif"};
    const series = {stroke: line, width: 1.3, points: {show: false}};
    if (metric.bars) { series.fill = line; series.paths = uPlot.paths.bars({size: [.86, 60], align: 1}); }
    const since = answer.marks[0].at_ms / 1000, ill = Object.assign({}, series, {stroke: colour("ill"), fill: colour("ill")});
    function data() {
      if (!metric.bars) return [answer.ts, metric.high, metric.low];
      const part = function (later) { return metric.high.map(function (value, i) { return (metric.ts[i] >= since) === later ? value : null; }); };
      return [metric.ts, part(false), part(true)];
    }
    const chart = new uPlot({
      width: place.clientWidth, height: metric.focus ? 250 : 130, padding: [metric.focus ? 22 : 8, 8, 0, 0],
      tzDate: function (ts) { return uPlot.tzDate(new Date(ts * 1000), answer.zone); },
      cursor: {sync: {key: "event"}, drag: {x: true, y: false}, y: false},
      legend: {show: false},
      scales: {y: {range: function (u, low, high) {
        if (low === null) return [0, 1];
        if (metric.bars) low = 0;
        if (metric.band) { low = Math.min(low, metric.band[0]); high = Math.max(high, metric.band[1]); }
        return uPlot.rangeNum(low, high === low ? low + 1 : high, .08, true);
      }}},
      axes: [
        Object.assign({values: function (u, splits) { return splits.map(clock.tick); }, size: 28}, axis),
        Object.assign({size: 44, space: 26}, axis),
      ],
      series: [{}, series, metric.bars ? ill : Object.assign({}, series)],
      bands: metric.bars ? [] : [{series: [1, 2], fill: line + "55"}],
      hooks: {
        drawAxes: [behind(metric, answer)],
        draw: metric.band ? [before(metric)] : [],
        setScale: [function (u, key) { if (key === "x") zoomed(u); }],
        setCursor: [function (u) {
          const at = u.cursor.idx, value = at === null || at === undefined ? null : u.data[1][at] ?? u.data[2][at];
          readout.textContent = value === null || value === undefined ? "" : "— " + value + unit + ", " + clock.full(u.data[0][at]);
        }],
      },
    }, data(), holder);
    charts.push({chart: chart, name: metric.name, bars: metric.bars});
  }

  function go(range, wait_ms) {  // all charts show the same stretch, at once as it is known and then as fine as it was kept
    shown = range;
    charts.forEach(function (each) { each.chart.setScale("x", range); });
    clearTimeout(timer);
    timer = setTimeout(refine, wait_ms, range, ++turn);
  }

  function offer(answer) {  // for a finger and for the keyboard, which cannot drag
    const place = document.getElementById("ranges"), since = answer.marks[0].at_ms / 1000, hours = 3600;
    const inside = function (min, max) { return {min: Math.max(min, whole.min), max: Math.min(max, whole.max)}; };
    const ranges = [[words.whole, whole], [words.around, inside(since - 3 * hours, since + 9 * hours)], [words.latest, inside(whole.max - 12 * hours, whole.max)]];
    ranges.forEach(function (range) {
      const button = document.createElement("button");
      button.type = "button"; button.className = "quiet"; button.textContent = range[0];
      button.addEventListener("click", function () { go(range[1], 0); });
      place.append(button);
    });
    place.hidden = false;
  }

  function zoomed(from) {  // uPlot says so a moment later and for each chart, so what is shown already is nothing new
    const min = from.scales.x.min, max = from.scales.x.max;
    if (!shown || Math.abs(min - shown.min) < .001 && Math.abs(max - shown.max) < .001) return;
    go(min <= whole.min && max >= whole.max ? whole : {min: min, max: max}, 250);
  }

  async function refine(range, mine) {
    let answer;
    try { answer = range === whole ? await load() : await load(range.min, range.max); } catch (error) { return; }  // as fine as it is
    if (mine !== turn || !answer.ts || !answer.ts.length) return;
    charts.forEach(function (each) {
      const metric = answer.metrics.find(function (candidate) { return candidate.name === each.name; });
      if (metric && !each.bars) each.chart.setData([answer.ts, metric.high, metric.low], false);
      each.chart.setScale("x", range);
    });
    place.dataset.refined = String(mine);
  }

  let answer;
  try { answer = await load(); } catch (error) { place.textContent = words.broken; return; }
  if (!answer.ts || !answer.ts.length) { place.textContent = words.none; return; }
  answer.metrics.forEach(function (metric) { draw(metric, answer); });
  whole = shown = {min: answer.from_ms / 1000, max: answer.to_ms / 1000};
  charts.forEach(function (each) { each.chart.setScale("x", whole); });
  offer(answer);
  place.addEventListener("dblclick", function () { go(whole, 0); });
  place.dataset.drawn = String(charts.length);
  addEventListener("resize", function () {
    charts.forEach(function (each) { each.chart.setSize({width: place.clientWidth, height: each.chart.height}); });
  });
})();
