import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream } from "./lehmer.js";
import { spaced } from "./rotated.js";

const SHOWN = 48, GRID = 121, KINKS = 1.6;

// Units in pairs with the same weights and opposite signs: the network begins at zero.
function startOf(m, draw) {
  const stream = normalStream(7919 * draw + 1), half = m / 2;
  const w = new Float64Array(m), b = new Float64Array(m), a = new Float64Array(m);
  for (let j = 0; j < half; j++) {
    w[j] = w[half + j] = stream();
    b[j] = b[half + j] = stream();
    a[j] = 1;
    a[half + j] = -1;
  }
  return { w, b, a };
}

// The network's sum without the factor scale / sqrt(m).
function sumAt({ w, b, a }, x) {
  let sum = 0;
  for (let j = 0; j < w.length; j++) { const z = w[j] * x + b[j]; if (z > 0) sum += a[j] * z; }
  return sum;
}

// The tangent kernel of a network of scale 1.
function kernelAt({ w, b, a }, x, z) {
  let sum = 0;
  for (let j = 0; j < w.length; j++) {
    const u = w[j] * x + b[j], v = w[j] * z + b[j];
    if (u > 0 && v > 0) sum += u * v + a[j] * a[j] * (x * z + 1);
  }
  return sum / w.length;
}

const gram = (units, left, right) => left.map((x) => right.map((z) => kernelAt(units, x, z)));

// Gradient descent on all weights; the step is eta / scale^2.
function descend(units, x, y, { scale, eta, steps }) {
  const { w, b, a } = units, m = w.length, n = x.length, factor = scale / Math.sqrt(m);
  const rate = ((2 / n) * eta * factor) / scale ** 2;
  const ga = new Float64Array(m), gw = new Float64Array(m), gb = new Float64Array(m);
  for (let k = 0; k < steps; k++) {
    ga.fill(0); gw.fill(0); gb.fill(0);
    for (let i = 0; i < n; i++) {
      const r = factor * sumAt(units, x[i]) - y[i];
      for (let j = 0; j < m; j++) {
        const z = w[j] * x[i] + b[j];
        if (z > 0) { ga[j] += r * z; gb[j] += r * a[j]; gw[j] += r * a[j] * x[i]; }
      }
    }
    for (let j = 0; j < m; j++) { a[j] -= rate * ga[j]; w[j] -= rate * gw[j]; b[j] -= rate * gb[j]; }
  }
}

// The linearised network with the same steps: what it says at the new points is cross . s.
function linearised(kernel, y, eta, steps) {
  const n = y.length, f = new Float64Array(n), s = new Float64Array(n), rate = (2 * eta) / n;
  for (let k = 0; k < steps; k++) {
    const r = y.map((yi, i) => yi - f[i]);
    for (let i = 0; i < n; i++) s[i] += rate * r[i];
    for (let i = 0; i < n; i++) { let sum = 0; for (let j = 0; j < n; j++) sum += kernel[i][j] * r[j]; f[i] += rate * sum; }
  }
  return s;
}

const made = new Map();
function trained({ m, scale, tau, draw }, { x, y }) {
  const width = 2 * Math.round(m / 2), key = [width, scale, tau, draw].join(" ");
  if (made.has(key)) return made.get(key);
  const before = startOf(width, draw), after = startOf(width, draw);
  const kernel = gram(before, x, x), trace = kernel.reduce((sum, row, i) => sum + row[i], 0);
  const eta = (0.4 * x.length) / trace, steps = Math.round(tau / eta);
  descend(after, x, y, { scale, eta, steps });
  const s = linearised(kernel, y, eta, steps), grid = spaced(-1.25, 1.25, GRID), factor = scale / Math.sqrt(width);
  const network = grid.map((z) => factor * sumAt(after, z));
  const tangent = gram(before, grid, x).map((row) => row.reduce((sum, v, i) => sum + v * s[i], 0));
  const now = gram(after, x, x), flat = kernel.flat();
  const state = {
    before, after, at: grid, network, tangent, eta, steps,
    cost: x.reduce((sum, xi, i) => sum + (factor * sumAt(after, xi) - y[i]) ** 2, 0) / x.length,
    moved: Math.sqrt(after.w.reduce((sum, v, j) => sum + (v - before.w[j]) ** 2 + (after.b[j] - before.b[j]) ** 2, 0) / width),
    turned: Math.hypot(...now.flat().map((v, i) => v - flat[i])) / Math.hypot(...flat),
    apart: Math.max(...network.map((v, i) => Math.abs(v - tangent[i]))),
  };
  made.clear();
  return made.set(key, state).get(key);
}

// Where the units bend, and by how much; only some of a wide network.
function kinksOf({ w, b, a }, limit) {
  const half = w.length / 2, all = Array.from({ length: half }, (_, j) => [j, half + j]).flat().slice(0, SHOWN);
  const places = all.map((j) => [-b[j] / w[j], a[j] * Math.abs(w[j])]);
  const seen = places.filter(([place, size]) => Math.abs(place) < KINKS && Math.abs(size) < limit);
  return { x: seen.map(([place]) => place), y: seen.map(([, size]) => size) };
}

function compute(params, data) {
  const state = trained(params, data), limit = data.bend;
  return {
    panels: [
      {
        xlabel: "input x", ylabel: "output f(x)", xlim: [-1.25, 1.25], ylim: data.ylim,
        series: [
          { type: "line", x: state.at, y: state.tangent, color: 2, width: 2, dash: "6 4" },
          { type: "line", x: state.at, y: state.network, color: 1, width: 2.25 },
          { type: "points", x: data.x, y: data.y, color: "ink", r: 4.5 },
          ...keys([["network", 1], ["- - linearised", 2], ["• data", "ink"]], 1.25, data.ylim[1]),
        ],
      },
      {
        xlabel: "place of a unit's kink", ylabel: "its bend", xlim: [-KINKS, KINKS], ylim: [-limit, limit],
        series: [
          { type: "points", ...kinksOf(state.before, limit), color: "muted", r: 5, hollow: true },
          { type: "points", ...kinksOf(state.after, limit), color: 1, r: 3 },
          ...keys([["○ before", "muted"], ["• after", 1]], KINKS, limit),
        ],
      },
    ],
    readouts: [
      ["cost", format(state.cost)],
      ["distance of the curves", format(state.apart, 2)],
      ["motion of a unit", format(state.moved, 2)],
      ["change of the kernel", `${format(100 * state.turned, 2)}%`],
      ["steps", String(state.steps)],
    ],
  };
}

const another = ({ draw }, { most }) => ({ draw: (draw % most) + 1 });
const meanField = ({ m }) => ({ scale: Math.max(0.1, 1 / Math.sqrt(m)) });

export default computedPlot({ compute, actions: { another, meanField } });
