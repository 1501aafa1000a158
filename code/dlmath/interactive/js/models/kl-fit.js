import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

const REACH = 14, CELLS = 560, CURVE = 121;
const grid = Array.from({ length: CELLS + 1 }, (_, i) => -REACH + (2 * REACH * i) / CELLS);
const logNormal = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);

// The mixture of a left hump, with the share w, and a right one, both of width 1.
function logHumps(x, { distance, share }) {
  const left = Math.log(share) + logNormal(x, -distance / 2, 1);
  const right = Math.log(1 - share) + logNormal(x, distance / 2, 1);
  const top = Math.max(left, right);
  return top + Math.log(Math.exp(left - top) + Math.exp(right - top));
}

// Both divergences by the trapezoidal rule; q is so small at the ends that they do not matter.
function divergences(params, m, s) {
  let forward = 0, reverse = 0;
  for (const x of grid) {
    const p = logHumps(x, params), q = logNormal(x, m, s);
    forward += Math.exp(p) * (p - q);
    reverse += Math.exp(q) * (q - p);
  }
  const width = (2 * REACH) / CELLS;
  return { forward: forward * width, reverse: reverse * width };
}

// The forward divergence is smallest where mean and variance agree.
function forward({ distance, share }) {
  const m = (distance / 2) * (1 - 2 * share);
  return { m, s: Math.sqrt(1 + share * (1 - share) * distance * distance) };
}

// The reverse one falls into the nearer valley: m and log s in turns, in ever smaller steps.
function reverse(params) {
  let { m, s } = params, value = divergences(params, m, s).reverse;
  for (let step = 0.2; step > 1e-5; step /= 2) {
    for (let moved = true; moved;) {
      moved = false;
      for (const [dm, ds] of [[step, 0], [-step, 0], [0, step], [0, -step]]) {
        const m2 = m + dm, s2 = s * Math.exp(ds);
        const next = divergences(params, m2, s2).reverse;
        if (next < value - 1e-13) { [m, s, value, moved] = [m2, s2, next, true]; }
      }
    }
  }
  return { m, s };
}

function densityPanel(params) {
  const { m, s } = params, at = grid.filter((x, i) => Math.abs(x) <= 8 && i % 2 === 0);
  const p = at.map((x) => Math.exp(logHumps(x, params))), q = at.map((x) => Math.exp(logNormal(x, m, s)));
  return {
    xlabel: "x", ylabel: "density", xlim: [-8, 8], ylim: [0, 0.62],
    series: [
      { type: "band", x: at, low: at.map(() => 0), high: p, color: 3 },
      { type: "line", x: at, y: p, color: 3, width: 2 },
      { type: "line", x: at, y: q, color: 4, width: 2.25 },
      ...keys([["— p, the data", 3], ["— q, the model", 4]], 8, 0.62),
    ],
  };
}

function valleyPanel(params) {
  const at = Array.from({ length: CURVE }, (_, i) => -5 + (10 * i) / (CURVE - 1));
  const curves = at.map((m) => divergences(params, m, params.s));
  const here = divergences(params, params.m, params.s);
  const top = 4;
  return {
    xlabel: "mean m of the model, at this width", ylabel: "divergence (nats)", xlim: [-5, 5], ylim: [0, top],
    series: [
      { type: "line", x: at, y: curves.map((d) => d.forward), color: 1, width: 2.25 },
      { type: "line", x: at, y: curves.map((d) => d.reverse), color: 2, width: 2.25, dash: "7 4" },
      { type: "points", x: [params.m, params.m], y: [here.forward, here.reverse], color: "ink", r: 4 },
      ...keys([["— KL(p‖q)", 1], ["- - KL(q‖p)", 2]], 5, top),
    ],
  };
}

function compute(params) {
  const here = divergences(params, params.m, params.s);
  return {
    panels: [densityPanel(params), valleyPanel(params)],
    readouts: [
      ["KL(p‖q), of maximum likelihood", format(here.forward)],
      ["KL(q‖p), of variational methods", format(here.reverse)],
    ],
  };
}

export default computedPlot({ compute, actions: { forward, reverse } });
