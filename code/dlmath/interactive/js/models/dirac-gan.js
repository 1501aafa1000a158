import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

const LIMIT = 2.5, ARROWS = 9, FAR = 1e6, SHOWN = 600;

const logistic = (u) => (u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u)));

// Minus the slope of the generator's cost by theta.
function generatorVelocity(theta, psi, { loss }) {
  const u = psi * theta;
  return psi * (loss === "Wasserstein" ? 1 : loss === "saturating" ? logistic(u) : logistic(-u));
}

// The slope by psi of what the discriminator maximises.
function discriminatorVelocity(theta, psi, { loss, penalty, gamma }) {
  const pull = -theta * (loss === "Wasserstein" ? 1 : logistic(psi * theta));
  if (penalty === "R1") return pull - gamma * psi;
  return penalty === "gradient to 1" ? pull - gamma * (psi - Math.sign(psi)) : pull;
}

// The game by gradient steps; it ends early where it has run away.
function play(params) {
  const path = [params.start];
  for (let k = 0; k < params.steps; k++) {
    const [theta, psi] = path[k];
    const moved = theta + params.eta * generatorVelocity(theta, psi, params);
    const seen = params.order === "in turn" ? moved : theta;
    const next = [moved, psi + params.eta * discriminatorVelocity(seen, psi, params)];
    if (!(Math.hypot(...next) < FAR)) break;
    path.push(next);
  }
  return path;
}

// The two eigenvalues of a step near the equilibrium; a penalty with a kink there has none.
function eigenvalues({ loss, penalty, gamma, eta, order }) {
  if (penalty === "gradient to 1") return null;
  const a = eta * (loss === "Wasserstein" ? 1 : 0.5), damping = penalty === "R1" ? eta * gamma : 0;
  const corner = 1 - damping - (order === "in turn" ? a * a : 0);
  const half = (1 + corner) / 2, product = corner + a * a, inside = half * half - product;
  if (inside < 0) return [1, -1].map((sign) => [half, sign * Math.sqrt(-inside)]);
  return [1, -1].map((sign) => [half + sign * Math.sqrt(inside), 0]);
}

const radius = (roots) => Math.max(...roots.map(([re, im]) => Math.hypot(re, im)));

const circle = (r) => {
  const angles = Array.from({ length: 121 }, (_, i) => (Math.PI * i) / 60);
  return { x: angles.map((a) => r * Math.cos(a)), y: angles.map((a) => r * Math.sin(a)) };
};

// Directions of the flow on a grid, as arrows of one length.
function field(params) {
  const unit = (2 * LIMIT) / ARROWS, at = Array.from({ length: ARROWS }, (_, i) => -LIMIT + (i + 0.5) * unit);
  return at.flatMap((theta) => at.flatMap((psi) => {
    const u = generatorVelocity(theta, psi, params), v = discriminatorVelocity(theta, psi, params), length = Math.hypot(u, v);
    if (length < 1e-9) return [];
    const dx = (0.32 * unit * u) / length, dy = (0.32 * unit * v) / length;
    return [{ type: "arrow", x: [theta - dx, theta + dx], y: [psi - dy, psi + dy], color: "muted", width: 1.25 }];
  }));
}

const thinned = (path) => {
  const stride = Math.ceil(path.length / SHOWN);
  return path.map((_, k) => k).filter((k) => k % stride === 0 || k === path.length - 1);
};

function phasePanel(path, params) {
  const shown = thinned(path).map((k) => path[k]), end = path[path.length - 1];
  return {
    xlabel: "generator θ", ylabel: "discriminator ψ", xlim: [-LIMIT, LIMIT], ylim: [-LIMIT, LIMIT], equal: true,
    series: [
      ...field(params),
      { type: "line", x: shown.map(([theta]) => theta), y: shown.map(([, psi]) => psi), color: 1, width: 1.75 },
      { type: "points", x: [0], y: [0], r: 5, color: "ink", hollow: true },
      { type: "points", x: [end[0]], y: [end[1]], r: 5, color: 1 },
    ],
  };
}

function planePanel(roots) {
  const limit = 1.6, series = [{ type: "line", ...circle(1), color: "ink", width: 1.5 }];
  if (roots) series.push({ type: "points", x: roots.map(([re]) => re), y: roots.map(([, im]) => im), r: 5, color: 2 });
  return { xlabel: "real part of ν", ylabel: "imaginary part of ν", xlim: [-limit, limit], ylim: [-limit, limit], equal: true, series };
}

function distancePanel(path, rho, steps) {
  const at = thinned(path), distance = at.map((k) => Math.max(1e-9, Math.hypot(...path[k])));
  const start = Math.hypot(...path[0]);
  const low = Math.max(-8, Math.floor(Math.log10(Math.min(0.1, ...distance)))), high = Math.ceil(Math.log10(Math.max(10, ...distance)));
  const series = [{ type: "line", x: at, y: distance, color: 1, width: 1.75 }];
  const line = Array.from({ length: 61 }, (_, i) => (i * steps) / 60);
  if (rho !== null) series.unshift({ type: "line", x: line, y: line.map((k) => Math.min(10 ** high * 10, Math.max(1e-9, start * rho ** k))), color: 2, width: 1.5, dash: "5 4" });
  const top = 10 ** high;
  return {
    xlabel: "steps k", ylabel: "distance from the equilibrium", yscale: "log", xlim: [0, steps], ylim: [10 ** low, top],
    series: [...series, ...keys([["— played", 1], ["- - modulus of ν", 2]], steps, top)],
  };
}

function complexText([[re, im], [other]]) {
  if (im !== 0) return `${format(re)} ± ${format(Math.abs(im))} i`;
  return re === other ? format(re) : `${format(re)}, ${format(other)}`;
}

function verdict(path, rho) {
  const first = Math.hypot(...path[0]), last = Math.hypot(...path[path.length - 1]);
  if (last > 1.05 * first) return "farther away than at the start";
  if (last < 0.05 * first) return "close to the equilibrium";
  return rho !== null && Math.abs(rho - 1) < 1e-12 ? "circling" : "on its way";
}

function compute(params) {
  const path = play(params), roots = eigenvalues(params), rho = roots && radius(roots);
  const first = Math.hypot(...path[0]), last = Math.hypot(...path[path.length - 1]);
  return {
    panels: [phasePanel(path, params), planePanel(roots), distancePanel(path, rho, params.steps)],
    readouts: [
      ["eigenvalues ν of a step", roots ? complexText(roots) : "none, for the penalty has a kink"],
      ["modulus of ν", rho === null ? "–" : format(rho, 5)],
      ["distance, first and last", `${format(first)}, ${path.length <= params.steps ? "over a million" : format(last)}`],
      ["the game is", verdict(path, rho)],
    ],
  };
}

const actions = {
  spiral: () => ({ loss: "saturating", penalty: "none", order: "at once", eta: 0.2, steps: 150 }),
  damped: () => ({ loss: "saturating", penalty: "R1", order: "at once", eta: 0.2, gamma: 1, steps: 150 }),
};

export default computedPlot({ compute, actions });
