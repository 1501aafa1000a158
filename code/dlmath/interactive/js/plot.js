// A small plotting library: SVG, crisp text, colours from the page's custom properties.

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
}

const colour = (name) => `var(--dlm-${Number.isInteger(name) ? `c${name}` : name ?? "ink"})`;

// Steps of 1, 2 or 5 times a power of ten.
function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((m) => m * power >= 0.7 * raw) ?? 10);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

// Powers of ten, or their multiples where the scale shows fewer than three powers.
function logTicks(low, high, count) {
  if (high / low < 1e3) {
    const decade = 10 ** Math.floor(Math.log10(low));
    const multiples = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((m) => m * decade);
    return multiples.filter((tick) => tick >= low && tick <= high);
  }
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first) / Math.max(count, 1)));
  const ticks = [];
  for (let power = first; power <= last; power += step) ticks.push(10 ** power);
  return ticks;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (n) => (n < 0 ? "⁻" : "") + [...String(Math.abs(n))].map((d) => SUPERSCRIPTS[d]).join("");

// A number as people write it: a true minus, powers of ten when it is very large or small.
function format(value, digits = 3) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (power >= 6 || power < -4) {
    const mantissa = (value / 10 ** power).toFixed(digits - 1);
    return `${mantissa.replace("-", "−")} × 10${superscript(power)}`;
  }
  return value.toFixed(Math.max(0, digits - 1 - power)).replace("-", "−");
}

// The digits of a value follow from its error, of which two are kept.
function withError(value, error) {
  const decimals = 1 - Math.floor(Math.log10(error));
  if (!(decimals >= 0 && decimals <= 6)) return `${format(value)} ± ${format(error, 2)}`;
  return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`.replace("-", "−");
}

function formatTick(value, step) {
  if (Math.abs(value) < step * 1e-9) return "0";
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return (Math.abs(value) >= 1e6 ? format(value, 2) : value.toFixed(decimals)).replace("-", "−");
}

function makeScale([low, high], log, from, to) {
  const f = log ? Math.log10 : (value) => value;
  const a = f(low), b = f(high);
  const scale = (value) => from + ((f(value) - a) / (b - a)) * (to - from);
  scale.invert = (pixel) => {
    const value = a + ((pixel - from) / (to - from)) * (b - a);
    return log ? 10 ** value : value;
  };
  scale.ticks = (count) => (log ? logTicks(low, high, count) : niceTicks(low, high, count));
  return scale;
}

const round = (value) => Math.round(value * 100) / 100;
// Far outside the picture SVG's arithmetic loses its precision.
const clip = (value) => Math.max(-5000, Math.min(5000, value));

function linePath(xs, ys) {
  let pen = "M";
  return xs.map((x, i) => {
    if (!Number.isFinite(ys[i])) { pen = "M"; return ""; }
    const step = `${pen}${round(clip(x))} ${round(clip(ys[i]))}`;
    pen = "L";
    return step;
  }).join("");
}

function textWidth(strings) {
  return 7 * Math.max(0, ...strings.map((text) => text.length));
}

const DRAW = {
  line({ x, y, color, width = 2, dash }, s) {
    return [svg("path", { d: linePath(x.map(s.x), y.map(s.y)), fill: "none", style: `stroke:${colour(color)}`, "stroke-width": width, "stroke-dasharray": dash, "stroke-linejoin": "round", "stroke-linecap": "round" })];
  },
  band({ x, low, high, color, opacity = 0.18 }, s) {
    const px = x.map(s.x), up = high.map(s.y).map(clip), down = low.map(s.y).map(clip);
    const d = `${linePath(px, up)}${linePath([...px].reverse(), [...down].reverse()).replace("M", "L")}Z`;
    return [svg("path", { d, style: `fill:${colour(color)}`, "fill-opacity": opacity })];
  },
  points({ x, y, r = 4, color, hollow }, s) {
    const style = hollow ? `fill:var(--dlm-bg);stroke:${colour(color)};stroke-width:1.75` : `fill:${colour(color)};stroke:var(--dlm-bg);stroke-width:1`;
    return x.map((xi, i) => svg("circle", { cx: round(clip(s.x(xi))), cy: round(clip(s.y(y[i]))), r: Array.isArray(r) ? r[i] : r, style }));
  },
  polygon({ x, y, color, opacity = 0.18 }, s) {
    const points = x.map((xi, i) => `${round(s.x(xi))},${round(s.y(y[i]))}`).join(" ");
    return [svg("polygon", { points, style: `fill:${colour(color)};stroke:${colour(color)}`, "fill-opacity": opacity, "stroke-opacity": 0.5 })];
  },
  region({ x, y, color, opacity = 0.18 }, s) {
    return [svg("path", { d: linePath(x.map(s.x), y.map(s.y)), style: `fill:${colour(color)}`, "fill-opacity": opacity })];
  },
  arrow({ x, y, color, width = 2 }, s) {
    const [x0, x1] = x.map(s.x), [y0, y1] = y.map(s.y);
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (length < 1) return [];
    const u = (x1 - x0) / length, v = (y1 - y0) / length, h = Math.min(9, length);
    const head = [[x1, y1], [x1 - h * u - 0.42 * h * v, y1 - h * v + 0.42 * h * u], [x1 - h * u + 0.42 * h * v, y1 - h * v - 0.42 * h * u]];
    return [
      svg("path", { d: `M${round(x0)} ${round(y0)}L${round(x1 - 0.8 * h * u)} ${round(y1 - 0.8 * h * v)}`, style: `stroke:${colour(color)}`, "stroke-width": width }),
      svg("polygon", { points: head.map((point) => point.map(round).join()).join(" "), style: `fill:${colour(color)}` }),
    ];
  },
  text({ x, y, text, color, anchor = "start", dx = 0, dy = 0 }, s) {
    return [svg("text", { x: round(s.x(x) + dx), y: round(s.y(y) + dy), "text-anchor": anchor, class: "dlm-label", style: `fill:${colour(color)}` }, text)];
  },
};

// One panel: draw(spec) paints axes and series; overlay stays for the figure's own handles.
class Panel {
  constructor(parent) {
    this.box = html("div", { class: "dlm-panel" });
    this.picture = svg("svg", { "aria-hidden": "true", focusable: "false" });
    this.box.append(this.picture);
    parent.append(this.box);
  }

  draw(spec) {
    const width = this.box.clientWidth, height = this.box.clientHeight;
    if (width < 40 || height < 40) return null;
    const frame = spec.axes === false ? { left: 4, right: width - 4, top: 4, bottom: height - 4 } : this.#frame(spec, width, height);
    const scales = this.#scales(spec, frame);
    const parts = [];
    if (spec.axes !== false) parts.push(...this.#axes(spec, scales, frame, width));
    const id = (this.id ??= `dlm${Math.random().toString(36).slice(2)}`);
    const marks = svg("g", { "clip-path": `url(#${id})` });
    const labels = svg("g");
    for (const series of spec.series) {
      (series.type === "text" ? labels : marks).append(...DRAW[series.type](series, scales));
    }
    const rect = svg("rect", { x: frame.left - 1, y: frame.top - 1, width: Math.max(0, frame.right - frame.left + 2), height: Math.max(0, frame.bottom - frame.top + 2) });
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.replaceChildren(svg("clipPath", { id }, rect), ...parts, marks, labels);
    return { ...scales, frame };
  }

  #frame(spec, width, height) {
    const probe = makeScale(spec.ylim, spec.yscale === "log", 1, 0);
    const ticks = spec.ynames ?? this.#labels(probe.ticks(Math.max(3, (height - 66) / 50)), spec.yscale);
    return { left: Math.max(30, textWidth(ticks) + 14), right: width - 10, top: 24, bottom: height - 42 };
  }

  #labels(ticks, scale) {
    if (scale === "log" && ticks[ticks.length - 1] / ticks[0] < 1e4) return ticks.map((tick) => format(tick, 1));
    const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(ticks[0]) || 1;
    return ticks.map((tick) => (scale === "log" ? `10${superscript(Math.round(Math.log10(tick)))}` : formatTick(tick, step)));
  }

  #scales({ xlim, ylim, xscale, yscale, equal }, { left, right, top, bottom }) {
    if (equal) {
      const unit = Math.min((right - left) / (xlim[1] - xlim[0]), (bottom - top) / (ylim[1] - ylim[0]));
      const dx = (unit * (xlim[1] - xlim[0])) / 2, dy = (unit * (ylim[1] - ylim[0])) / 2;
      const cx = (left + right) / 2, cy = (top + bottom) / 2;
      return { x: makeScale(xlim, false, cx - dx, cx + dx), y: makeScale(ylim, false, cy + dy, cy - dy) };
    }
    return { x: makeScale(xlim, xscale === "log", left, right), y: makeScale(ylim, yscale === "log", bottom, top) };
  }

  #axes(spec, { x, y }, { left, right, top, bottom }, width) {
    const group = svg("g", { class: "dlm-axes" });
    // Rows with names, at 0, 1, 2, need no lines to be read.
    const yTicks = spec.ynames?.map((_, i) => i) ?? y.ticks(Math.max(3, (bottom - top) / 50));
    const yLabels = spec.ynames ?? this.#labels(yTicks, spec.yscale);
    yTicks.forEach((tick, i) => {
      const at = Math.round(y(tick)) + 0.5;
      if (!spec.ynames) group.append(svg("path", { d: `M${left} ${at}H${right}`, class: "dlm-grid" }));
      group.append(svg("text", { x: left - 7, y: at + 4, "text-anchor": "end" }, yLabels[i]));
    });
    const xTicks = spec.xticks ?? x.ticks(Math.max(3, (right - left) / 85)), xLabels = this.#labels(xTicks, spec.xscale);
    group.append(svg("path", { d: `M${left} ${Math.round(bottom) + 0.5}H${right}`, class: "dlm-axis" }));
    xTicks.forEach((tick, i) => {
      const at = Math.round(x(tick)) + 0.5;
      group.append(svg("path", { d: `M${at} ${bottom}v5`, class: "dlm-axis" }));
      group.append(svg("text", { x: at, y: bottom + 18, "text-anchor": "middle" }, xLabels[i]));
    });
    group.append(svg("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, spec.xlabel ?? ""));
    group.append(svg("text", { x: 2, y: 13, class: "dlm-ylabel" }, spec.ylabel ?? ""));
    return [group];
  }
}

// Redraws when the box changes its size, once a frame at most.
function onResize(node, draw) {
  const observer = new ResizeObserver(() => draw());
  observer.observe(node);
  return () => observer.disconnect();
}
