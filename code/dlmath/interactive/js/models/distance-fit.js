import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { zeroLine } from "./contour.js";

const REACH = 22, CELLS = 440, STEPS = 44;
const SEEN = 7, MEANS = [-4.5, 4.5], WIDTHS = [0.4, 3.5], EXCESS = [0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8];
const NAMES = ["forward KL", "reverse KL", "Jensen-Shannon", "Fisher", "Wasserstein"];
const COLOURS = [1, 2, 3, 1, 4];
const STEP = (2 * REACH) / CELLS;
const grid = Array.from({ length: CELLS + 1 }, (_, i) => -REACH + STEP * i);
const logNormal = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
const sum = (f) => grid.reduce((total, x, i) => total + f(x, i), 0) * STEP;

function logSum(a, b) {
  const top = Math.max(a, b);
  return top + Math.log1p(Math.exp(Math.min(a, b) - top));
}

function logHumps(x, { distance, share }) {
  const left = Math.log(share) + logNormal(x, -distance / 2, 1);
  return logSum(left, Math.log(1 - share) + logNormal(x, distance / 2, 1));
}

// The mean of z Q(Phi(z)) over a standard normal z, where Q is the quantile function of the data.
function overlap(p) {
  let Fp = 0, i = 0, last = 0, Fz = 0, total = 0;
  const dz = 0.005;
  for (let z = -6; z <= 6; z += dz) {
    const weight = Math.exp(logNormal(z, 0, 1)) * dz;
    Fz += weight;
    const level = Fz - weight / 2;
    while (i < CELLS && Fp + STEP * p[i] < level) { Fp += STEP * p[i]; i += 1; }
    last = grid[i] - STEP / 2 + (p[i] > 0 ? Math.min(1, Math.max(0, (level - Fp) / (STEP * p[i]))) * STEP : 0);
    total += z * last * weight;
  }
  return total;
}

// What does not depend on the model: the data's moments, entropy and information.
function described(params) {
  const logP = grid.map((x) => logHumps(x, params)), p = logP.map(Math.exp);
  const { distance, share } = params;
  const mean = (distance / 2) * (1 - 2 * share), variance = 1 + share * (1 - share) * distance * distance;
  const score = (x) => {
    const right = 1 / (1 + Math.exp(Math.log(share / (1 - share)) - distance * x));
    return -(x + distance / 2) + distance * right;
  };
  return {
    logP, p, mean, variance,
    entropy: -sum((_, i) => p[i] * logP[i]),
    information: sum((x, i) => p[i] * score(x) ** 2),
    overlap: overlap(p),
  };
}

// Closed forms where there are some, else the trapezoidal rule.
const DISTANCES = [
  (d, m, s) => 0.5 * Math.log(2 * Math.PI) + Math.log(s) + (d.variance + (m - d.mean) ** 2) / (2 * s * s) - d.entropy,
  (d, m, s) => sum((x, i) => { const q = logNormal(x, m, s); return Math.exp(q) * (q - d.logP[i]); }),
  (d, m, s) => sum((x, i) => {
    const q = logNormal(x, m, s), middle = logSum(d.logP[i], q) - Math.LN2;
    return (d.p[i] * (d.logP[i] - middle) + Math.exp(q) * (q - middle)) / 2;
  }),
  (d, m, s) => d.information + (d.variance + (m - d.mean) ** 2) / s ** 4 - 2 / (s * s),
  (d, m, s) => Math.sqrt(Math.max(0, (m - d.mean) ** 2 + d.variance + s * s - 2 * s * d.overlap)),
];

function descend(f, [m, s]) {
  let best = f(m, s);
  for (let step = 0.3; step > 1e-4; step /= 2) {
    for (let moved = true; moved;) {
      moved = false;
      for (const [dm, ds] of [[step, 0], [-step, 0], [0, step], [0, -step]]) {
        const m2 = m + dm, s2 = s * Math.exp(ds), next = f(m2, s2);
        if (next < best - 1e-12) { [m, s, best, moved] = [m2, s2, next, true]; }
      }
    }
  }
  return { at: [m, s], value: best };
}

function minimiser(d, which, distance) {
  const whole = [d.mean, Math.sqrt(d.variance)];
  if (which === 0 || which === 3) return whole;
  if (which === 4) return [d.mean, d.overlap];
  const f = (m, s) => DISTANCES[which](d, m, s);
  const found = [whole, [-distance / 2, 1], [distance / 2, 1]].map((start) => descend(f, start));
  return found.reduce((a, b) => (b.value < a.value - 1e-9 ? b : a)).at;
}

const memory = new Map();
function remembered(key, make) {
  if (!memory.has(key)) {
    if (memory.size > 24) memory.clear();
    memory.set(key, make());
  }
  return memory.get(key);
}

function stateOf(params) {
  const key = `${params.distance} ${params.share}`;
  const data = remembered(key, () => described(params));
  const minima = remembered(`min ${key}`, () => NAMES.map((_, k) => minimiser(data, k, params.distance)));
  const which = NAMES.indexOf(params.which);
  const values = DISTANCES.map((f) => f(data, ...params.model));
  return { key, data, minima, which, values };
}

const meanAt = (u) => MEANS[0] + u * (MEANS[1] - MEANS[0]);
const widthAt = (v) => WIDTHS[0] + v * (WIDTHS[1] - WIDTHS[0]);

function contours({ key, data, minima, which }) {
  return remembered(`lines ${which} ${key}`, () => {
    const at = Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS);
    const table = at.map((v) => at.map((u) => DISTANCES[which](data, meanAt(u), widthAt(v))));
    const least = DISTANCES[which](data, ...minima[which]);
    return EXCESS.map((excess) => {
      const line = zeroLine((u, v) => table[Math.round(v * STEPS)][Math.round(u * STEPS)] - least - excess, [0, 1], STEPS);
      return { x: line.x.map(meanAt), y: line.y.map((v) => widthAt(v)) };
    });
  });
}

function densityPanel({ model: [m, s] }, { data }) {
  const seen = grid.map((x, i) => i).filter((i) => Math.abs(grid[i]) <= SEEN);
  const at = seen.map((i) => grid[i]), p = seen.map((i) => data.p[i]);
  const top = 0.62;
  return {
    xlabel: "x", ylabel: "density", xlim: [-SEEN, SEEN], ylim: [0, top],
    series: [
      { type: "band", x: at, low: at.map(() => 0), high: p, color: "muted" },
      { type: "line", x: at, y: p, color: "muted", width: 2 },
      { type: "line", x: at, y: at.map((x) => Math.exp(logNormal(x, m, s))), color: "ink", width: 2.25 },
      ...keys([["— p, the data", "muted"], ["— q, the model", "ink"]], SEEN, top),
    ],
  };
}

function planePanel(params, state) {
  const { minima, which } = state;
  return {
    xlabel: "mean m of the model", ylabel: "width s of the model", xlim: MEANS, ylim: WIDTHS,
    series: [
      ...contours(state).map((line) => ({ type: "line", ...line, color: COLOURS[which], width: 1.25 })),
      ...minima.flatMap(([m, s], k) => [
        { type: "points", x: [m], y: [s], color: COLOURS[k], r: k === which ? 7 : 5, hollow: k !== which },
      ]),
      ...keys([["KL and Fisher", 1], ["reverse KL", 2], ["JS", 3], ["W₂", 4]], MEANS[1], WIDTHS[1]),
    ],
  };
}

function compute(params) {
  const state = stateOf(params);
  const [m, s] = state.minima[state.which];
  return {
    panels: [densityPanel(params, state), planePanel(params, state)],
    readouts: [
      ...NAMES.map((name, k) => [k === 4 ? "Wasserstein W₂" : name, format(state.values[k])]),
      [`smallest ${params.which} at`, `m = ${format(m)}, s = ${format(s)}`],
    ],
  };
}

function minimum(params) {
  const { minima, which } = stateOf(params);
  return { model: [...minima[which]] };
}

export default computedPlot({ compute, actions: { minimum } });
