import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { keys } from "../keys.js";

const GAP = 1e-9;

// What can be looked at: value and slope. At its kink the modulus has the sub-gradient 0.
const SHAPES = {
  square: [(x) => x * x, (x) => 2 * x],
  fourth: [(x) => x ** 4 / 2, (x) => 2 * x ** 3],
  modulus: [Math.abs, Math.sign],
  logistic: [(x) => Math.log1p(Math.exp(-2 * x)), (x) => -2 / (1 + Math.exp(2 * x))],
  well: [(x) => (x * x - 1) ** 2, (x) => 4 * x * (x * x - 1)],
  wave: [(x) => x * x / 2 + 0.4 * Math.cos(4 * x), (x) => x - 1.6 * Math.sin(4 * x)],
};

const spaced = (low, high, count) => Array.from({ length: count + 1 }, (_, i) => low + (i / count) * (high - low));

// The least distances: of the chord above the graph, between its ends; of the graph above the tangent.
function distances([f, slope], { left, right, touch }, limit) {
  const [a, b] = [left[0], right[0]].sort((u, v) => u - v), t = touch[0];
  const chord = (x) => (b > a ? f(a) + ((x - a) / (b - a)) * (f(b) - f(a)) : f(a));
  const tangent = (x) => f(t) + slope(t) * (x - t);
  const between = spaced(a, b, 120), all = spaced(-limit, limit, 240);
  return {
    chord, tangent, between, all, a, b, t,
    aboveGraph: Math.min(...between.map((x) => chord(x) - f(x))),
    belowGraph: Math.min(...all.map((x) => f(x) - tangent(x))),
  };
}

// The gap where low runs above high.
function fault(x, low, high) {
  const over = x.map((at) => low(at) > high(at) + GAP);
  return over.some(Boolean) ? [{ type: "band", x, low: x.map(high), high: x.map((at, i) => (over[i] ? low(at) : high(at))), color: 2, opacity: 0.45 }] : [];
}

function graph([f], at, limit, ylim) {
  const { chord, tangent, between, all, a, b, t } = at;
  return {
    xlabel: "x", ylabel: "f(x)", xlim: [-limit, limit], ylim,
    series: [
      ...fault(between, f, chord),
      ...fault(all, tangent, f),
      { type: "line", x: all, y: all.map(f), color: 1, width: 2.5 },
      { type: "line", x: [-limit, limit], y: [-limit, limit].map(tangent), color: 3 },
      { type: "line", x: [a, b], y: [f(a), f(b)], color: 4 },
      { type: "points", x: [a, b, t], y: [a, b, t].map(f), color: "muted", r: 3 },
      ...keys([["chord", 4], ["tangent", 3]], limit, ylim[1]),
    ],
  };
}

function slopes(name, [, slope], at, limit) {
  const { all, t } = at, y = all.map(slope);
  const falling = y.map((value, i) => (y[i + 1] < value - GAP || y[i - 1] > value + GAP ? value : NaN));
  const broken = name === "modulus" ? y.map((value) => value || NaN) : y;
  return {
    xlabel: "x", ylabel: "slope f′(x)", xlim: [-limit, limit], ylim: [Math.min(...y, -0.5) * 1.1, Math.max(...y, 0.5) * 1.1],
    series: [
      { type: "line", x: [-limit, limit], y: [0, 0], color: "muted", width: 1 },
      ...(name === "modulus" ? [{ type: "line", x: [0, 0], y: [-1, 1], color: 1, width: 1.5, dash: "2 4" }] : []),
      { type: "line", x: all, y: broken, color: 1 },
      { type: "line", x: all, y: falling, color: 2, width: 5 },
      { type: "points", x: [t], y: [slope(t)], color: 3, r: 5 },
    ],
  };
}

// Rounding puts nothing on the wrong side.
const wrongBy = (distance) => (distance < -GAP ? `by up to ${format(-distance)}` : "nowhere");

function compute(params, { shapes, limit }) {
  const { name, ylim, kind } = shapes[params.shape], shape = SHAPES[name];
  const at = distances(shape, params, limit);
  const { aboveGraph, belowGraph } = at;
  return {
    points: Object.fromEntries(["left", "right", "touch"].map((key) => [key, [params[key][0], shape[0](params[key][0])]])),
    panels: [graph(shape, at, limit, ylim), slopes(name, shape, at, limit)],
    readouts: [
      ["this function is", kind],
      ["chord below the graph", wrongBy(aboveGraph)],
      ["tangent above the graph", wrongBy(belowGraph)],
    ],
  };
}

export default computedPlot({ compute });
