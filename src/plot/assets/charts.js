"use strict";
// Draws figures as SVG that fits the width it has. All text goes in as text: nothing in the data is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const DAY = 86400000;

function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function shape(tag, attributes = {}, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function number(value) {
  const size = Math.abs(value);
  const [part, unit] = size >= 1e9 ? [value / 1e9, " G"] : size >= 1e6 ? [value / 1e6, " M"] : size >= 1e4 ? [value / 1e3, " k"] : [value, ""];
  return String(Number(part.toFixed(3))) + unit;
}

// Figures in full, for tables and where the pointer is.
const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const date = (day) => new Date(Math.floor(day) * DAY).toISOString().slice(0, 10);

function numberTicks(low, high, most) {
  if (!(low < high)) return [[low, number(low)]];
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((step) => step * power >= rough) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) ticks.push([i * step, digits ? (i * step).toFixed(digits) : number(i * step)]);
  return ticks;
}

function dayTicks(low, high, most) {
  const ticks = [];
  if (high - low < 62) {
    const step = Math.max(1, Math.ceil((high - low) / most));
    for (let day = Math.floor(low); day <= high; day += step) ticks.push([day, date(day)]);
    return ticks;
  }
  const months = (high - low) / 30.44 / most;
  const step = [1, 2, 3, 6, 12, 24, 36, 60, 120, 240].find((step) => step >= months) ?? 600;
  const first = new Date(low * DAY), month = first.getUTCFullYear() * 12 + first.getUTCMonth();
  for (let at = Math.floor(month / step) * step; ; at += step) {
    const day = Date.UTC(Math.floor(at / 12), at % 12, 1) / DAY;
    if (day > high) return ticks;
    if (day >= low) ticks.push([day, step >= 12 ? String(Math.floor(at / 12)) : date(day).slice(0, 7)]);
  }
}

function ticksOf(kind, low, high, most) {
  if (kind === "number") return numberTicks(low, high, most);
  if (kind === "day") return dayTicks(low, high, most);
  const every = Math.max(1, Math.ceil(kind.names.length / Math.max(1, most)));
  return kind.names.map((name, at) => [at + 0.5, name]).filter((_, at) => at % every === 0);
}

const measure = document.createElement("canvas").getContext("2d");
function widthOf(text) {
  measure.font = "12px system-ui, sans-serif";
  return measure.measureText(text).width;
}

function shortened(text, width) {
  if (widthOf(text) <= width) return text;
  let cut = [...text];
  while (cut.length && widthOf(cut.join("") + "…") > width) cut = cut.slice(0, Math.min(cut.length - 1, Math.floor(cut.length * 0.95)));
  return cut.join("").trimEnd() + "…";
}

function extent(values, start = []) {
  let low = Infinity, high = -Infinity;
  for (const value of [start, values].flat()) if (value !== null && Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  return low <= high ? [low, high] : null;
}

// Draws a panel into a box, and again whenever the width of the box changes.
function drawPanel(parent, panel) {
  const { bars, columns, lines } = panel.marks;
  const known = lines?.map((line) => line.points.filter((point) => point[1] !== null));
  const box = html("div", { class: "chart" });
  parent.append(box);
  if (!(bars ?? columns ?? known.flat()).length) {
    box.append(html("p", { class: "note" }, "Nothing to show."));
    return;
  }
  if (panel.y.label) box.append(html("div", { class: "axis-name" }, panel.y.label));
  if (lines && lines.length > 1) {
    const names = lines.map((line, at) => html("span", {}, line.name));
    names.forEach((name, at) => name.style.setProperty("--own", `var(--c${at % 7})`));
    box.append(html("div", { class: "legend" }, ...names));
  }
  const plot = shape("svg", { role: "img", "aria-label": panel.y.label || panel.x.label });
  const tip = html("div", { class: "tip", hidden: "" });
  box.append(plot, tip);
  const tell = (x, y, texts) => {
    tip.replaceChildren(...texts.map((text) => html("div", {}, text)));
    tip.hidden = false;
    const room = box.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, x + 12))}px`;
    tip.style.top = `${plot.offsetTop + Math.max(0, y - 12)}px`;
  };
  let drawn = 0;
  const draw = () => {
    const width = Math.floor(box.clientWidth);
    if (width === drawn || width < 50) return;
    drawn = width;
    plot.replaceChildren();
    tip.hidden = true;
    (bars ? drawBars : drawStanding)(plot, panel, width, tell, () => { tip.hidden = true; });
  };
  new ResizeObserver(draw).observe(box);
  draw();
}

function drawBars(plot, panel, width, tell, hush) {
  const bars = panel.marks.bars, step = 24;
  const names = bars.map((bar) => shortened(bar.name, width * 0.42));
  const left = Math.max(...names.map(widthOf)) + 10;
  const ends = Math.max(...bars.map((bar) => widthOf(bar.text))) + 10;
  // Where it is narrow, what is written at the ends goes where the pointer is.
  const written = width - left - ends > 60;
  const right = width - (written ? ends : 8), bottom = bars.length * step + 4, height = bottom + 38;
  const [low, high] = extent(bars.map((bar) => [bar.value, bar.interval?.[1] ?? null]).flat(), [0]);
  const x = (value) => left + ((value - low) / (high - low || 1)) * (right - left);
  plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  plot.setAttribute("height", height);
  for (const [at, label] of numberTicks(low, high, Math.max(2, Math.floor((right - left) / 70)))) {
    plot.append(shape("line", { class: "grid", x1: x(at), x2: x(at), y1: 0, y2: bottom }), shape("text", { x: x(at), y: bottom + 14, "text-anchor": "middle" }, label));
  }
  plot.append(shape("text", { x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle" }, shortened(panel.x.label, width)));
  bars.forEach((bar, at) => {
    const middle = at * step + step / 2;
    const group = shape("g");
    const drawn = shape("rect", { class: "bar", x: Math.min(x(0), x(bar.value)), y: middle - 8, width: Math.max(1, Math.abs(x(bar.value) - x(0))), height: 16 });
    group.append(shape("text", { class: "name", x: left - 8, y: middle + 4, "text-anchor": "end" }, names[at]), drawn);
    let end = Math.max(x(0), x(bar.value));
    if (bar.interval) {
      const [from, to] = bar.interval.map(x);
      group.append(shape("line", { class: "range", x1: from, x2: to, y1: middle, y2: middle }));
      end = Math.max(end, to);
    }
    if (written) group.append(shape("text", { class: "name", x: end + 6, y: middle + 4 }, bar.text));
    group.addEventListener("pointerenter", () => {
      drawn.classList.add("on");
      const between = bar.interval ? [`${exact.format(bar.interval[0])} to ${exact.format(bar.interval[1])}`] : [];
      tell(x(bar.value), middle, [bar.name, bar.text, ...between]);
    });
    group.addEventListener("pointerleave", () => { drawn.classList.remove("on"); hush(); });
    plot.append(group);
  });
}

function drawStanding(plot, panel, width, tell, hush) {
  const { columns, lines } = panel.marks, names = panel.x.kind.names;
  const known = lines?.map((line) => line.points.filter((point) => point[1] !== null));
  const [x0, x1] = names ? [0, names.length] : extent(columns ? columns.map((c) => [c.from, c.to]).flat() : known.flat().map((p) => p[0]));
  let [y0, y1] = columns ? extent(columns.map((c) => c.value), [0]) : extent(known.flat().map((p) => p[1]));
  if (lines) { const room = y1 > y0 ? 0.05 * (y1 - y0) : 0.5; y0 -= room; y1 += room; }
  const height = 240, top = 8, bottom = height - 42;
  const yTicks = ticksOf(panel.y.kind, y0, y1, 5);
  const left = Math.max(...yTicks.map((tick) => widthOf(tick[1]))) + 10, right = width - 6;
  const x = (value) => (x1 > x0 ? left + ((value - x0) / (x1 - x0)) * (right - left) : (left + right) / 2);
  const y = (value) => bottom - ((value - y0) / (y1 - y0 || 1)) * (bottom - top);
  plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  plot.setAttribute("height", height);
  for (const [at, label] of yTicks) {
    plot.append(shape("line", { class: "grid", x1: left, x2: right, y1: y(at), y2: y(at) }), shape("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, label));
  }
  let most = 24, xTicks = ticksOf(panel.x.kind, x0, x1, most);
  while (most > 1 && xTicks.length * (Math.max(...xTicks.map((tick) => widthOf(tick[1]))) + 12) > right - left) xTicks = ticksOf(panel.x.kind, x0, x1, --most);
  for (const [at, label] of xTicks) {
    const half = widthOf(label) / 2, place = Math.min(x(at), width - half);
    plot.append(shape("line", { class: "axis", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }), shape("text", { x: place, y: bottom + 17, "text-anchor": "middle" }, label));
  }
  plot.append(shape("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  plot.append(shape("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, shortened(panel.x.label, width)));
  const shown = (at) => (panel.x.kind === "day" ? date(at) : names ? names[Math.min(names.length - 1, Math.floor(at))] : exact.format(at));
  let hits;
  if (columns) {
    const path = columns.map((c) => `M${x(c.from)},${y(0)}V${y(c.value)}H${Math.max(x(c.to), x(c.from) + 0.5)}V${y(0)}Z`).join("");
    plot.append(shape("path", { class: "bar", d: path }));
    hits = columns.map((c) => ({ at: (c.from + c.to) / 2, y: c.value, texts: [shown(names ? (c.from + c.to) / 2 : c.from), exact.format(c.value)] }));
  } else {
    const byPlace = new Map();
    known.forEach((points, line) => {
      const own = lines[line].points;
      let path = "", pen = false;
      for (const [at, value] of own) {
        path += value === null ? "" : `${pen ? "L" : "M"}${x(at)},${y(value)}`;
        pen = value !== null;
      }
      // A point between two gaps is no line: it gets a dot.
      own.forEach(([at, value], i) => {
        if (value !== null && (own[i - 1]?.[1] ?? null) === null && (own[i + 1]?.[1] ?? null) === null) plot.append(shape("circle", { cx: x(at), cy: y(value), r: 2.5, fill: `var(--c${line % 7})` }));
      });
      plot.append(shape("path", { class: "line", d: path, stroke: `var(--c${line % 7})` }));
      for (const [at, value] of points) {
        const hit = byPlace.get(at) ?? { at, y: value, texts: [shown(at)] };
        hit.texts.push(lines.length > 1 ? `${lines[line].name}: ${exact.format(value)}` : exact.format(value));
        byPlace.set(at, hit);
      }
    });
    hits = [...byPlace.values()].sort((a, b) => a.at - b.at);
  }
  const guide = shape("line", { class: "guide", y1: top, y2: bottom, visibility: "hidden" });
  const cover = shape("rect", { x: left, y: 0, width: Math.max(0, right - left), height: bottom, fill: "transparent" });
  const follow = (event) => {
    const at = event.clientX - plot.getBoundingClientRect().left;
    let [from, to] = [0, hits.length - 1];
    while (from < to) { const middle = (from + to) >> 1; if (x(hits[middle].at) < at) from = middle + 1; else to = middle; }
    const before = hits[Math.max(0, from - 1)];
    const hit = Math.abs(x(before.at) - at) < Math.abs(x(hits[from].at) - at) ? before : hits[from];
    guide.setAttribute("x1", x(hit.at)); guide.setAttribute("x2", x(hit.at)); guide.setAttribute("visibility", "visible");
    tell(x(hit.at), y(hit.y), hit.texts);
  };
  cover.addEventListener("pointermove", follow);
  cover.addEventListener("pointerdown", follow);
  cover.addEventListener("pointerleave", () => { guide.setAttribute("visibility", "hidden"); hush(); });
  plot.append(guide, cover);
}

function drawFigure(parent, figure, heading = "h2") {
  parent.append(html(heading, {}, figure.title));
  if (figure.note) parent.append(html("p", { class: "note" }, figure.note));
  figure.panels.forEach((panel) => drawPanel(parent, panel));
}
