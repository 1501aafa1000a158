import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

const CURVATURES = 25, SHORTEST = 60, LONGEST = 4000, SHOWN = 400, SMALL = 1e-6;
const DISTANCE_LIMITS = [1e-8, 1e3];

// r^2 - trace r + product: what one step does along a direction of curvature h.
function stepNumbers(h, { method, eta, beta }) {
  const factor = 1 - eta * h;
  return method === "Nesterov" ? [(1 + beta) * factor, beta * factor] : [beta + factor, beta];
}

function eigenvaluesOf([trace, product]) {
  const inside = trace * trace / 4 - product;
  if (inside < 0) return [1, -1].map((sign) => [trace / 2, sign * Math.sqrt(-inside)]);
  // The larger one first; the smaller follows from the product without cancellation.
  const large = trace / 2 + (trace < 0 ? -1 : 1) * Math.sqrt(inside);
  return [[large, 0], [large === 0 ? 0 : product / large, 0]];
}

const radius = (roots) => Math.max(...roots.map(([re, im]) => Math.hypot(re, im)));

// The distance from the minimum in one direction, which starts at rest at 1.
function distances([trace, product], steps) {
  const at = [1];
  let before = 1, now = 1;
  for (let k = 0; k < steps; k++) {
    [before, now] = [now, trace * now - product * before];
    at.push(Math.abs(now));
  }
  return at;
}

const lastAbove = (values, level) => values.reduce((last, value, k) => (value > level ? k : last), -1);

// All that the figure shows; mu = 1 and L = kappa, with eta in units of 1 / L.
function iterate(params) {
  const kappa = params.kappa, at = { ...params, eta: params.share / kappa };
  const curvatures = Array.from({ length: CURVATURES }, (_, i) => kappa ** (i / (CURVATURES - 1)));
  const roots = curvatures.map((h) => eigenvaluesOf(stepNumbers(h, at)));
  const rho = Math.max(...roots.map(radius));
  const steps = rho < 1 ? Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(20 / (1 - rho)))) : SHORTEST;
  const soft = distances(stepNumbers(1, at), steps), stiff = distances(stepNumbers(kappa, at), steps);
  const worst = soft.map((value, k) => Math.max(value, stiff[k]));
  const peak = Math.max(...worst), arrived = lastAbove(worst, SMALL) + 1;
  return {
    roots, rho, steps, soft, stiff, peak,
    peakAt: worst.indexOf(peak),
    arrived: rho < 1 && arrived < worst.length ? arrived : Infinity,
    descent: Math.ceil(Math.log(SMALL) / Math.log((kappa - 1) / (kappa + 1))),
  };
}

const circle = (r) => {
  const angles = Array.from({ length: 121 }, (_, i) => (Math.PI * i) / 60);
  return { x: angles.map((a) => r * Math.cos(a)), y: angles.map((a) => r * Math.sin(a)) };
};

function planePanel({ roots }, { method, beta }) {
  const points = (list, more) => ({ type: "points", x: list.flat().map(([re]) => re), y: list.flat().map(([, im]) => im), ...more });
  const limit = 1.2;
  return {
    xlabel: "real part of r", ylabel: "imaginary part of r", xlim: [-limit, limit], ylim: [-limit, limit], equal: true,
    series: [
      { type: "line", ...circle(1), color: "ink", width: 1.5 },
      ...(method === "Nesterov" ? [] : [{ type: "line", ...circle(Math.sqrt(beta)), color: "muted", width: 1.5, dash: "4 4" }]),
      points(roots.slice(1, -1), { color: "muted", r: 2.5 }),
      points([roots[0]], { color: 1, r: 6 }),
      points([roots[CURVATURES - 1]], { color: 2, r: 5 }),
      ...keys([["• soft", 1], ["• stiff", 2]], limit, limit),
    ],
  };
}

function distancePanel({ soft, stiff, steps, rho }) {
  const stride = Math.ceil(steps / SHOWN), at = soft.map((_, k) => k).filter((k) => k % stride === 0);
  const shown = (values) => at.map((k) => Math.max(values[k], 1e-12));
  const high = Math.min(1e6, Math.max(DISTANCE_LIMITS[1], 3 * Math.max(...soft, ...stiff)));
  const ylim = [DISTANCE_LIMITS[0], 10 ** Math.ceil(Math.log10(high))];
  return {
    xlabel: "steps k", ylabel: "distance from the minimum", yscale: "log", xlim: [0, steps], ylim,
    series: [
      { type: "line", x: at, y: at.map((k) => Math.max(rho ** k, 1e-12)), color: "ink", width: 1.5, dash: "4 4" },
      { type: "line", x: at, y: shown(stiff), color: 2, width: 1.5 },
      { type: "line", x: at, y: shown(soft), color: 1, width: 2 },
      ...keys([["soft", 1], ["stiff", 2], ["- - ρᵏ", "ink"]], steps, ylim[1]),
    ],
  };
}

function compute(params) {
  const state = iterate(params);
  const picture = {
    panels: [planePanel(state, params), distancePanel(state)],
    readouts: [
      ["η", format(params.share / params.kappa)],
      ["modulus of r, soft and stiff", `${format(radius(state.roots[0]))}, ${format(radius(state.roots[CURVATURES - 1]))}`],
      ["spectral radius ρ", format(state.rho, 4)],
      ["farthest out", state.rho < 1 ? `${format(state.peak)} (k = ${state.peakAt})` : "no limit"],
      ["steps to a millionth", Number.isFinite(state.arrived) ? String(state.arrived) : state.rho < 1 ? `over ${state.steps}` : "never"],
      ["gradient descent's best", String(state.descent)],
    ],
  };
  return state.rho < 1 ? picture : { ...picture, message: "the walk runs away" };
}

const actions = {
  ball: ({ kappa }) => {
    const root = Math.sqrt(kappa);
    return { method: "heavy ball", share: (4 * kappa) / (root + 1) ** 2, beta: ((root - 1) / (root + 1)) ** 2 };
  },
  nesterov: ({ kappa }) => ({ method: "Nesterov", share: 1, beta: (Math.sqrt(kappa) - 1) / (Math.sqrt(kappa) + 1) }),
  plain: ({ kappa }) => ({ method: "heavy ball", share: (2 * kappa) / (kappa + 1), beta: 0 }),
};

export default computedPlot({ compute, actions });
