import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

// Latent z of unit variance, x = g(z) plus noise of standard deviation NOISE; q is a Gaussian.
const NOISE = 0.5, REACH = 10, CELLS = 1000, WIDTH = (2 * REACH) / CELLS;
const DECODERS = { "x = z + noise": (z) => z, "x = z²/2 + noise": (z) => (z * z) / 2 };
const grid = Array.from({ length: CELLS + 1 }, (_, i) => -REACH + i * WIDTH);
const logNormal = (x, m, s) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
const integrate = (f) => WIDTH * grid.reduce((sum, z) => sum + f(z), 0);
const logLikelihood = ({ decoder, x }, z) => logNormal(x, DECODERS[decoder](z), NOISE);

function evidence(params) {
  return Math.log(integrate((z) => Math.exp(logLikelihood(params, z) + logNormal(z, 0, 1))));
}

function reconstruction({ m, s, ...params }) {
  return integrate((z) => Math.exp(logNormal(z, m, s)) * logLikelihood(params, z));
}

const klToPrior = ({ m, s }) => (m * m + s * s - 1) / 2 - Math.log(s);
const elbo = (params) => reconstruction(params) - klToPrior(params);

// Computed on its own, not as a difference: q log(q / posterior).
function klToPosterior(params, log_p) {
  return integrate((z) => {
    const q = logNormal(z, params.m, params.s);
    return Math.exp(q) * (q - logLikelihood(params, z) - logNormal(z, 0, 1) + log_p);
  });
}

// Uphill from where the reader is: m and log s in turns, in ever smaller steps.
function best(params) {
  let { m, s } = params, value = elbo(params);
  for (let step = 0.2; step > 1e-4; step /= 2) {
    for (let moved = true; moved;) {
      moved = false;
      for (const [dm, ds] of [[step, 0], [-step, 0], [0, step], [0, -step]]) {
        const m2 = m + dm, s2 = s * Math.exp(ds), next = elbo({ ...params, m: m2, s: s2 });
        if (next > value + 1e-12) { [m, s, value, moved] = [m2, s2, next, true]; }
      }
    }
  }
  return { m, s };
}

function densities(params, log_p) {
  const at = grid.filter((z, i) => Math.abs(z) <= 3.6 && i % 2 === 0), top = 1.5;
  const posterior = at.map((z) => Math.exp(logLikelihood(params, z) + logNormal(z, 0, 1) - log_p));
  const q = at.map((z) => Math.exp(logNormal(z, params.m, params.s)));
  return {
    xlabel: "latent z", ylabel: "density", xlim: [-3.6, 3.6], ylim: [0, top],
    series: [
      { type: "line", x: at, y: at.map((z) => Math.exp(logNormal(z, 0, 1))), color: 6, width: 1.5, dash: "3 3" },
      { type: "band", x: at, low: at.map(() => 0), high: posterior, color: 3 },
      { type: "line", x: at, y: posterior, color: 3 },
      { type: "line", x: at, y: q, color: 2, width: 2.25 },
      ...keys([["— posterior p(z|x)", 3], ["— your q(z)", 2], ["··· prior p(z)", 6]], 3.6, top),
    ],
  };
}

function bounds(params, log_p, here) {
  const at = Array.from({ length: 73 }, (_, i) => -3 + i / 12), low = log_p - 6, top = log_p + 1.5;
  return {
    xlabel: "mean m of q, at this width", ylabel: "nats", xlim: [-3, 3], ylim: [low, top],
    series: [
      { type: "line", x: [-3, 3], y: [log_p, log_p], color: 3, dash: "7 4" },
      { type: "line", x: at, y: at.map((m) => elbo({ ...params, m })), color: 2, width: 2.25 },
      { type: "line", x: [params.m, params.m], y: [here, log_p], color: "ink", width: 3 },
      { type: "points", x: [params.m], y: [here], color: 2, r: 5 },
      ...keys([["- - log p(x)", 3], ["— ELBO", 2], ["| gap: KL(q‖posterior)", "ink"]], 3, top),
    ],
  };
}

function compute(params) {
  const log_p = evidence(params), here = elbo(params);
  return {
    panels: [densities(params, log_p), bounds(params, log_p, here)],
    readouts: [
      ["reconstruction, mean of log p(x|z)", format(reconstruction(params))],
      ["minus KL(q‖prior)", format(-klToPrior(params))],
      ["ELBO", format(here)],
      ["KL(q‖posterior)", format(klToPosterior(params, log_p))],
      ["log p(x)", format(log_p)],
    ],
  };
}

export default computedPlot({ compute, actions: { best } });
