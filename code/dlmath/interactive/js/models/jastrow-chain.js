import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

// A chain of spins on a ring in all its states: neighbours' products, those of next neighbours, and the
// same for each state with one spin turned.
const ringSum = (s, r) => s.reduce((sum, v, i) => sum + v * s[(i + r) % s.length], 0);

function chainStates(n) {
  return Array.from({ length: 2 ** n }, (_, k) => {
    const s = Array.from({ length: n }, (_, i) => ((k >> i) & 1 ? 1 : -1));
    // Turning spin i changes the sums by -2 s_i times the sum of its neighbours at that distance.
    const turns = s.map((v, i) => [1, 2].map((r) => -2 * v * (s[(i + r) % n] + s[(i - r + n) % n])));
    return { near: ringSum(s, 1), next: ringSum(s, 2), turns };
  });
}

// Averages in the state psi = exp(c1 sum s_i s_(i+1) + c2 sum s_i s_(i+2)), over all states.
function jastrowAverages(states, [c1, c2], h) {
  const logs = states.map(({ near, next }) => 2 * (c1 * near + c2 * next)), top = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - top)), Z = weights.reduce((a, b) => a + b, 0);
  let bonds = 0, turned = 0, squares = 0;
  const O = [0, 0], EO = [0, 0], OO = [0, 0, 0];
  states.forEach(({ near, next, turns }, k) => {
    const w = weights[k] / Z, ratio = turns.reduce((sum, [a, b]) => sum + Math.exp(c1 * a + c2 * b), 0), e = -near - h * ratio;
    bonds -= w * near;
    turned -= w * ratio;
    squares += w * e * e;
    O[0] += w * near; O[1] += w * next;
    EO[0] += w * e * near; EO[1] += w * e * next;
    OO[0] += w * near * near; OO[1] += w * near * next; OO[2] += w * next * next;
  });
  const energy = bonds + h * turned;
  return {
    bonds, turned, energy, variance: Math.max(0, squares - energy * energy),
    force: [EO[0] - energy * O[0], EO[1] - energy * O[1]],
    metric: [OO[0] - O[0] * O[0], OO[1] - O[0] * O[1], OO[2] - O[1] * O[1]],
  };
}

// One step of stochastic reconfiguration, with a shift of the metric.
function reconfigured(states, [c1, c2], h, eta, shift = 1e-3) {
  const { force: [f, g], metric: [a, b, d] } = jastrowAverages(states, [c1, c2], h);
  const A = a + shift, D = d + shift, det = A * D - b * b;
  return [c1 - (eta * (D * f - b * g)) / det, c2 - (eta * (A * g - b * f)) / det];
}

function chainEnergy(n, h) {
  let sum = 0;
  for (let m = 0; m < n; m++) sum -= Math.sqrt(1 + h * h - 2 * h * Math.cos(((2 * m + 1) * Math.PI) / n));
  return sum;
}

const cache = {};
const statesOf = (n) => (cache[n] ??= chainStates(n));

function compute({ h, c1, c2 }, { spins, fields }) {
  const now = jastrowAverages(statesOf(spins), [c1, c2], h), exact = chainEnergy(spins, h);
  const at = Array.from({ length: 61 }, (_, i) => fields[0] + (i / 60) * (fields[1] - fields[0]));
  const line = fields.map((field) => (now.bonds + field * now.turned) / spins);
  const curve = at.map((field) => chainEnergy(spins, field) / spins);
  const ylim = [-fields[1] - 0.5, 0.5], shown = Array.from({ length: 41 }, (_, i) => -0.1 + i * 0.02);
  const scan = shown.map((value) => (jastrowAverages(statesOf(spins), [value, c2], h).energy - exact) / spins);
  const top = Math.max(0.1, 1.1 * Math.min(1, Math.max(...scan)));
  return {
    panels: [
      {
        xlabel: "field h", ylabel: "energy a spin", xlim: fields, ylim,
        series: [
          { type: "line", x: at, y: curve, color: "ink", width: 2 },
          { type: "line", x: fields, y: line, color: 2, width: 1.75 },
          { type: "points", x: [h], y: [now.energy / spins], color: 2, r: 5 },
          ...keys([["— exact", "ink"], ["— this state", 2]], fields[1], ylim[1]),
        ],
      },
      {
        xlabel: "coefficient of neighbours", ylabel: "energy above the exact one, a spin", xlim: [-0.1, 0.7], ylim: [-0.05 * top, top],
        series: [
          { type: "line", x: [-0.1, 0.7], y: [0, 0], color: "ink", width: 1.5, dash: "6 4" },
          { type: "line", x: shown, y: scan, color: 1, width: 2 },
          { type: "points", x: [c1], y: [(now.energy - exact) / spins], color: 2, r: 5 },
        ],
      },
    ],
    readouts: [
      ["energy a spin", format(now.energy / spins, 5)],
      ["exact", format(exact / spins, 5)],
      ["relative error", format((now.energy - exact) / Math.abs(exact), 2)],
      ["variance of the local energy", format(now.variance, 2)],
      ["force", now.force.map((value) => format(value, 2)).join(", ")],
    ],
  };
}

const within = (value, { limits }) => Math.max(limits[0], Math.min(limits[1], value));
function descend({ h, c1, c2 }, data, steps) {
  let c = [c1, c2];
  for (let k = 0; k < steps; k++) c = reconfigured(statesOf(data.spins), c, h, 0.05).map((value) => within(value, data));
  return { c1: c[0], c2: c[1] };
}

export default computedPlot({
  compute,
  actions: {
    step: (params, data) => descend(params, data, 1),
    minimum: (params, data) => descend(params, data, 400),
  },
});
