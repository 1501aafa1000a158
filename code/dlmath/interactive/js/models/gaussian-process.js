import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { zeroLine } from "./contour.js";
import { climbEvidence, gaussianProcess, leaveOneOut, logEvidence, predictions } from "./gp.js";
import { spaced } from "./rotated.js";

const CELLS = 36, QUANTILE95 = 1.959963984540054;
const DROPS = [0.5, 1, 2, 4, 8, 16, 32];

function pointsOf(params, { count }) {
  const points = Array.from({ length: count }, (_, i) => params[`p${i}`]);
  return { x: points.map(([x]) => x), y: points.map(([, y]) => y) };
}

function processPanel(params, { x, y }, found, { xlim, ylim, xlabel, ylabel }) {
  const at = spaced(...xlim, 141);
  const here = predictions(at, x, params, found);
  const mean = here.map((p) => p.mean);
  const half = here.map((p) => QUANTILE95 * p.sd);
  const wide = here.map((p) => QUANTILE95 * Math.hypot(p.sd, params.noise));
  return {
    xlabel, ylabel, xlim, ylim,
    series: [
      { type: "line", x: xlim, y: [0, 0], color: "muted", width: 1, dash: "2 4" },
      { type: "band", x: at, low: mean.map((m, i) => m - wide[i]), high: mean.map((m, i) => m + wide[i]), color: 1, opacity: 0.12 },
      { type: "band", x: at, low: mean.map((m, i) => m - half[i]), high: mean.map((m, i) => m + half[i]), color: 1, opacity: 0.22 },
      { type: "line", x: at, y: mean, color: 1, width: 2.25 },
      ...keys([["— mean, 95% of f and of new points", 1]], xlim[1], ylim[1]),
    ],
  };
}

function surfacePanel(params, { x, y }, { lengths, noises }) {
  const power = ([low, high], u) => low * (high / low) ** u;
  const cell = (u) => Math.round(u * CELLS);
  const table = spaced(0, 1, CELLS + 1).map((v) => spaced(0, 1, CELLS + 1).map((u) => logEvidence(x, y, { ...params, length: power(lengths, u), noise: power(noises, v) })));
  const top = Math.max(...table.flat());
  const rings = DROPS.map((drop, i) => {
    const line = zeroLine((u, v) => table[cell(v)][cell(u)] - top + drop, [0, 1], CELLS);
    return { type: "line", x: line.x.map((u) => power(lengths, u)), y: line.y.map((v) => power(noises, v)), color: i < 3 ? 3 : "muted", width: i < 3 ? 1.75 : 0.9 };
  });
  return {
    xlabel: "length", ylabel: "noise s", xscale: "log", yscale: "log", xlim: lengths, ylim: noises,
    series: [
      ...rings,
      { type: "points", x: [params.length], y: [params.noise], color: 1, r: 6 },
      ...keys([["lines ½, 1, 2, 4 … below the top", 3]], lengths[1], noises[1]),
    ],
  };
}

function compute(params, data) {
  const points = pointsOf(params, data);
  const found = gaussianProcess(points.x, points.y, params);
  const left = leaveOneOut(points.y, found);
  const inside = left.filter(({ mean, sd }, i) => Math.abs(points.y[i] - mean) < QUANTILE95 * sd).length;
  const off = Math.sqrt(left.reduce((sum, { mean }, i) => sum + (points.y[i] - mean) ** 2, 0) / left.length);
  return {
    panels: [processPanel(params, points, found, data), surfacePanel(params, points, data)],
    readouts: [
      ["log marginal likelihood", format(found.evidence)],
      ["fit, −½ yᵀK⁻¹y", format(found.fit)],
      ["volume, −½ log det K", format(found.volume)],
      ["left-out error (rms)", format(off)],
      ["left-out points inside 95%", `${inside} of ${left.length}`],
    ],
  };
}

// On the surface that is shown: the amplitude stays.
function climb(params, data) {
  const { x, y } = pointsOf(params, data);
  const { length, noise } = climbEvidence(x, y, params, { length: data.lengths, noise: data.noises });
  return { length, noise };
}

export default computedPlot({ compute, actions: { climb } });
