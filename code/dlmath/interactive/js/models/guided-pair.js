import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalQuantile } from "./line-laws.js";

const STARTS = 400, STEPS = 60, BINS = 48, PLACES = 241;
const RANGE = [-1.6, 4.4], WEIGHTS = [1, 8], WEIGHT_STEPS = 28;

// Noise has the coordinate a = mean / sqrt(sd^2 + noise^2), 0 where there is nothing else.
const coordinate = (noise, { mean, sd }) => mean / Math.hypot(sd, noise);

// The guided flow in this coordinate: what a start u ~ N(0, 1) has become at the coordinate `end`.
function carried(u, w, begin, end, steps = STEPS) {
  const rate = (a, v) => (w - 1) * (1 - Math.tanh(a * (a + v)));
  const h = (end - begin) / steps;
  for (let k = 0; k < steps; k++) {
    const a = begin + k * h;
    const k1 = rate(a, u), k2 = rate(a + h / 2, u + (h / 2) * k1), k3 = rate(a + h / 2, u + (h / 2) * k2), k4 = rate(a + h, u + h * k3);
    u += (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return u;
}

// The middles of equally probable pieces of N(0, 1).
const NORMAL = Array.from({ length: STARTS }, (_, i) => normalQuantile((i + 0.5) / STARTS));

function ends(w, data, { from = 0, to = Infinity } = {}) {
  const begin = to === Infinity ? 0 : coordinate(to, data), end = coordinate(from, data);
  return NORMAL.map((u) => data.mean + data.sd * carried(u, w, begin, end));
}

function moments(values, weights = values.map(() => 1)) {
  const total = weights.reduce((sum, v) => sum + v, 0);
  const mean = values.reduce((sum, v, i) => sum + weights[i] * v, 0) / total;
  const variance = values.reduce((sum, v, i) => sum + weights[i] * (v - mean) ** 2, 0) / total;
  return { mean, sd: Math.sqrt(variance) };
}

// log(1 + e^z) without overflow.
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

// The density proportional to p(x | c)^w p(x)^(1 - w), on a grid.
function tilted(w, { mean, sd }) {
  const low = mean - 8 * sd, high = mean + 8 * sd, count = 1200, h = (high - low) / count;
  const x = Array.from({ length: count + 1 }, (_, i) => low + i * h);
  const y = x.map((v) => Math.exp(-(((v - mean) / sd) ** 2) / 2 - (w - 1) * softplus((-2 * mean * v) / sd ** 2)));
  const total = h * y.reduce((sum, v) => sum + v, 0);
  return { x, y: y.map((v) => v / total) };
}

function stateOf(params, data) {
  const limits = params.between ? { from: params.from, to: Math.max(params.to, params.from + 0.01) } : {};
  const samples = ends(params.w, data, limits), target = tilted(params.w, data);
  return { samples, target, guided: moments(samples), wanted: moments(target.x, target.y) };
}

// The mean of the tilted density and of the unlimited guided flow against the weight.
const curves = new Map();
function curve(data) {
  const key = `${data.mean} ${data.sd}`;
  if (!curves.has(key)) {
    const w = Array.from({ length: WEIGHT_STEPS + 1 }, (_, i) => WEIGHTS[0] + ((WEIGHTS[1] - WEIGHTS[0]) * i) / WEIGHT_STEPS);
    curves.set(key, {
      w, guided: w.map((v) => moments(ends(v, data)).mean),
      tilted: w.map((v) => { const { x, y } = tilted(v, data); return moments(x, y).mean; }),
    });
  }
  return curves.get(key);
}

function bars(samples) {
  const [low, high] = RANGE, width = (high - low) / BINS, counts = new Array(BINS).fill(0);
  for (const x of samples) { const k = Math.floor((x - low) / width); if (k >= 0 && k < BINS) counts[k]++; }
  const x = [low], y = [0];
  counts.forEach((count, k) => {
    const height = count / samples.length / width;
    x.push(low + k * width, low + (k + 1) * width); y.push(height, height);
  });
  return { x: [...x, high], y: [...y, 0] };
}

function compute(params, data) {
  const { samples, target, guided, wanted } = stateOf(params, data), means = curve(data);
  const grid = Array.from({ length: PLACES }, (_, i) => RANGE[0] + ((RANGE[1] - RANGE[0]) * i) / (PLACES - 1));
  const hump = (centre) => grid.map((v) => Math.exp(-(((v - centre) / data.sd) ** 2) / 2) / (data.sd * Math.sqrt(2 * Math.PI)));
  const top = Math.max(1.7, 1.15 * Math.max(...bars(samples).y)), high = 1.1 * Math.max(guided.mean, ...means.guided);
  const shape = bars(samples);
  return {
    panels: [
      {
        xlabel: "x", ylabel: "density", xlim: RANGE, ylim: [0, top],
        series: [
          { type: "line", x: grid, y: hump(-data.mean), color: "muted", width: 1.25, dash: "3 4" },
          { type: "line", x: grid, y: hump(data.mean), color: "muted", width: 1.25, dash: "3 4" },
          { type: "region", ...shape, color: 2, opacity: 0.3 },
          { type: "line", ...shape, color: 2, width: 1.5 },
          { type: "line", ...target, color: 1, width: 2.5 },
          ...keys([["guided flow", 2], ["tilted", 1], ["classes", "muted"]], RANGE[1], top),
        ],
      },
      {
        xlabel: "weight w", ylabel: "mean", xlim: WEIGHTS, ylim: [0.9 * data.mean, high],
        series: [
          { type: "line", x: means.w, y: means.guided, color: 2 },
          { type: "line", x: means.w, y: means.tilted, color: 1 },
          { type: "points", x: [params.w, params.w], y: [guided.mean, wanted.mean], color: "ink", r: 5 },
        ],
      },
    ],
    readouts: [
      ["guided flow", `${format(guided.mean)} ± ${format(guided.sd)}`],
      ["tilted density", `${format(wanted.mean)} ± ${format(wanted.sd)}`],
      ["wrong side, guided", format(samples.filter((x) => x < 0).length / samples.length, 2)],
    ],
  };
}

export default computedPlot({ compute });
