import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { keys } from "../keys.js";
import { polyfit } from "./polyfit.js";

// Noise is added by dx = -x dt + sqrt(2) dW from t = 0 to TIME, which leaves the share e^(-t) of the data.
const TIME = 3, STEPS = 64, GRAINS = 320, TRAILS = 16;

// Standard normal numbers in pairs, spread evenly by an additive sequence.
function evenNormals(count) {
  const g = 1.324717957244746;
  return Array.from({ length: count }, (_, i) => {
    const u = (0.5 + i / g) % 1, angle = 2 * Math.PI * ((0.5 + i / (g * g)) % 1);
    const r = Math.sqrt(-2 * Math.log(u));
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });
}

// The mean of the centres, weighted by the densities N(centre, V I) at a point: the score of their
// mixture is (mean - point) / V.
function posteriorMean([x, y], centres, V) {
  const squares = new Float64Array(centres.length);
  let least = Infinity, total = 0, mx = 0, my = 0;
  for (let i = 0; i < centres.length; i++) {
    squares[i] = (x - centres[i][0]) ** 2 + (y - centres[i][1]) ** 2;
    if (squares[i] < least) least = squares[i];
  }
  for (let i = 0; i < centres.length; i++) {
    const w = Math.exp((least - squares[i]) / (2 * V));
    total += w;
    mx += w * centres[i][0];
    my += w * centres[i][1];
  }
  return [mx / total, my / total];
}

const shareOf = (V, width) => 1 / Math.sqrt(V - width * width + 1);

// The probability flow of the mixture of blobs, in x / e^(-t), by Heun's method. The variance there
// is V = width^2 + e^(2t) - 1, and d(x e^t) / d(log V) = (x e^t - mean) / 2.
function flow(centres, width) {
  const first = Math.log(width * width + Math.exp(2 * TIME) - 1), last = Math.log(width * width);
  const h = (last - first) / STEPS;
  const logV = Array.from({ length: STEPS + 1 }, (_, k) => first + k * h);
  const velocity = (z, u) => {
    const mean = posteriorMean(z, centres, Math.exp(u));
    return [(z[0] - mean[0]) / 2, (z[1] - mean[1]) / 2];
  };
  const states = [evenNormals(GRAINS).map((z) => z.map((v) => v * Math.exp(TIME)))];
  for (let k = 0; k < STEPS; k++) {
    states.push(states[k].map((z) => {
      const f = velocity(z, logV[k]), g = velocity([z[0] + h * f[0], z[1] + h * f[1]], logV[k + 1]);
      return [z[0] + (h / 2) * (f[0] + g[0]), z[1] + (h / 2) * (f[1] + g[1])];
    }));
  }
  return { logV, states, shares: logV.map((u) => shareOf(Math.exp(u), width)) };
}

let known = {};
function flowOf(centres, width) {
  const key = JSON.stringify([centres, width]);
  if (known.key !== key) known = { key, ...flow(centres, width) };
  return known;
}

// Where the grains are when a part of the way has been gone, and the share of the data there.
function cloud({ logV, states }, width, part) {
  const k = Math.min(STEPS - 1, Math.floor(part * STEPS)), f = part * STEPS - k;
  const share = shareOf(Math.exp(logV[k] + f * (logV[k + 1] - logV[k])), width);
  const grains = states[k].map((z, i) => z.map((v, j) => share * (v + f * (states[k + 1][i][j] - v))));
  return { share, grains };
}

function generated({ progress, width }, centres, limit) {
  const path = flowOf(centres, width), part = progress / 100;
  const { share, grains } = cloud(path, width, part);
  const passed = path.states.slice(0, Math.floor(part * STEPS) + 1);
  const trails = Array.from({ length: TRAILS }, (_, i) => {
    const way = [...passed.map((state, k) => state[i].map((v) => path.shares[k] * v)), grains[i]];
    return { type: "line", x: way.map(([x]) => x), y: way.map(([, y]) => y), color: 4, width: 0.9 };
  });
  // One path for all grains: each a line without length, with round ends.
  const dots = { type: "line", x: grains.flatMap(([x]) => [x, x, x]), y: grains.flatMap(([, y]) => [y, y, NaN]), color: 1, width: 3.2 };
  return {
    share,
    panel: { xlabel: "x", ylabel: "y", xlim: [-limit, limit], ylim: [-limit, limit], series: [...trails, dots, ...keys([["diffusion: x and y", 1]], limit, limit)] },
  };
}

function fitted({ degree }, points, { limit, quantiles }) {
  const x = points.map(([u]) => u), y = points.map(([, v]) => v), ones = x.map(() => 1);
  let fit = null, used = degree;
  while ((fit = polyfit(x, y, ones, used, false)) === null) used -= 1;
  const s = Math.sqrt(fit.chi2 / fit.dof), q = quantiles[fit.dof - 1];
  const grid = Array.from({ length: 121 }, (_, i) => limit * (i / 60 - 1));
  const at = grid.map(fit.predict), half = at.map(({ error }) => q * s * error), mean = at.map((p) => p.mean);
  return {
    s,
    panel: {
      xlabel: "x", ylabel: "y", xlim: [-limit, limit], ylim: [-limit, limit],
      series: [
        { type: "band", x: grid, low: mean.map((m, i) => m - half[i]), high: mean.map((m, i) => m + half[i]), color: 1 },
        { type: "line", x: grid, y: mean, color: 1, width: 2.5 },
        ...keys([["least squares: y, given x", 1]], limit, limit),
      ],
    },
  };
}

function compute(params, data) {
  const points = data.names.map((name) => params[name]);
  const left = fitted(params, points, data), right = generated(params, points, data.limit);
  return {
    panels: [left.panel, right.panel],
    readouts: [
      ["residual error s", format(left.s)],
      ["share of the data in the cloud", format(right.share, 2)],
      ["share of the noise", format(Math.sqrt(Math.max(0, 1 - right.share ** 2)), 2)],
    ],
  };
}

export default computedPlot({ compute });
