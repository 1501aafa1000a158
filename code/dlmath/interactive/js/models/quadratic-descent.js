import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

const RINGS = 8, TURN = 120, EXACT = "exact line search";

// C = (mu x^2 + L y^2) / 2 with mu = 1 and L = kappa, in the directions of the Hessian's eigenvectors.
const curvatures = ({ kappa }) => [1, kappa];
const cost = (x, nu) => (nu[0] * x[0] ** 2 + nu[1] * x[1] ** 2) / 2;

// The rate of the next step: chosen beforehand, or the one that goes down furthest along the gradient.
function rateAt(x, nu, { rule, share }) {
  if (rule !== EXACT) return share / nu[1];
  const g = x.map((value, j) => nu[j] * value), below = nu[0] * g[0] ** 2 + nu[1] * g[1] ** 2;
  return below > 0 ? (g[0] ** 2 + g[1] ** 2) / below : 0;
}

// What the theorems say that a step does at worst to the square root of the cost.
function proved(nu, { rule, share }) {
  if (rule === EXACT) return (nu[1] - nu[0]) / (nu[1] + nu[0]);
  return Math.max(...nu.map((v) => Math.abs(1 - (share / nu[1]) * v)));
}

function walk(params, steps) {
  const nu = curvatures(params), path = [params.start], rates = [];
  for (let k = 0; k < steps; k++) {
    const eta = rateAt(path[k], nu, params);
    rates.push(eta);
    path.push(path[k].map((value, j) => (1 - eta * nu[j]) * value));
  }
  // Below what a double can hold there is nothing to divide.
  const costs = path.map((x) => Math.max(cost(x, nu), 1e-300));
  return { nu, path, rates, costs, factor: proved(nu, params) };
}

function ellipse(level, nu) {
  const angles = Array.from({ length: TURN + 1 }, (_, i) => (2 * Math.PI * i) / TURN);
  const [a, b] = nu.map((v) => Math.sqrt((2 * level) / v));
  return { x: angles.map((t) => a * Math.cos(t)), y: angles.map((t) => b * Math.sin(t)) };
}

function plane({ nu, path }, k, { xlim, ylim }) {
  const top = cost([xlim[1], ylim[1]], nu), rings = Array.from({ length: RINGS }, (_, i) => top * ((i + 0.5) / RINGS) ** 2);
  const shown = path.slice(0, k + 1), x = shown.map((p) => p[0]), y = shown.map((p) => p[1]);
  return {
    xlabel: "along the flat direction", ylabel: "along the steep direction", xlim, ylim, equal: true,
    series: [
      ...rings.map((level) => ({ type: "line", ...ellipse(level, nu), color: "muted", width: 1 })),
      { type: "line", x, y, color: 1, width: 2 },
      { type: "points", x, y, color: 1, r: 3 },
      { type: "points", x: [0], y: [0], color: 3, r: 5 },
    ],
  };
}

function factors({ nu, rates }, k) {
  const at = Math.max(k, 1) - 1, now = rates[at], before = rates[Math.max(at - 1, 0)];
  const grid = Array.from({ length: 121 }, (_, i) => (nu[1] * i) / 120);
  const curve = (eta) => grid.map((v) => Math.abs(1 - eta * v));
  const ends = nu.map((v) => Math.abs(1 - now * v));
  return {
    xlabel: "eigenvalue ν", ylabel: "factor of one step", xlim: [0, nu[1] * 1.04], ylim: [0, 1.35],
    series: [
      { type: "line", x: [0, nu[1] * 1.04], y: [1, 1], color: 2, width: 1.5, dash: "6 4" },
      ...(before === now ? [] : [{ type: "line", x: grid, y: curve(before), color: "muted", width: 1.5 }]),
      { type: "line", x: grid, y: curve(now), color: 1 },
      { type: "points", x: nu, y: ends, color: 3, r: 5 },
      ...keys([["|1 − ην|", 1], ["● at μ and L", 3]], nu[1] * 1.04, 1.35),
    ],
  };
}

function costs({ costs: values, factor }, k, { steps }) {
  const at = Array.from({ length: steps + 1 }, (_, i) => i), relative = values.map((c) => c / values[0]);
  const seen = (list) => list.map((v) => (v > 1e6 || v < 1e-14 ? NaN : v));
  return {
    xlabel: "step k", ylabel: "cost, start = 1", yscale: "log", xlim: [0, steps], ylim: [1e-12, 1e3],
    series: [
      { type: "line", x: at, y: seen(relative), color: 1, width: 2.25 },
      { type: "line", x: at, y: seen(at.map((i) => factor ** (2 * i))), color: 2, width: 2, dash: "6 4" },
      { type: "points", x: [k], y: [Math.max(Math.min(relative[k], 1e5), 1e-13)], color: 3, r: 5 },
      ...keys([["measured", 1], ["- - proved", 2]], steps, 1e3),
    ],
  };
}

// What a constant rate does to each direction, in words.
function verdict({ rule, share }, nu) {
  if (rule === EXACT) return "each step ends where the slope along it is zero";
  if (share > 2) return "the steep direction grows: beyond 2/L";
  if (share === 2) return "the steep direction jumps from side to side";
  if (share > 1) return `directions with ν above ${format(nu[1] / share)} change sides`;
  return "no direction changes sides";
}

function compute(params, data) {
  const found = walk(params, data.steps), { k } = params, last = Math.max(k, 1) - 1;
  return {
    panels: [plane(found, k, data), factors(found, k), costs(found, k, data)],
    readouts: [
      ["rate η of the last step", format(found.rates[last])],
      ["its factors at μ and L", found.nu.map((v) => format(1 - found.rates[last] * v)).join(", ")],
      ["cost after k steps, start = 1", format(found.costs[k] / found.costs[0])],
      ["proved: at most", format(found.factor ** (2 * k))],
      ["what happens", verdict(params, found.nu)],
    ],
  };
}

const actions = {
  safe: () => ({ share: 1 }),
  best: ({ kappa }) => ({ share: (2 * kappa) / (1 + kappa) }),
  // Equal components of the gradient: from here an exact line search gains least.
  worst: ({ kappa }, { xlim, ylim }) => {
    const x = 0.9 * Math.min(xlim[1], kappa * ylim[1]);
    return { start: [x, x / kappa] };
  },
};

export default computedPlot({ compute, actions });
