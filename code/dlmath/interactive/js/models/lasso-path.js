import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { coordinateDescent, elasticNetPath } from "./elastic-net.js";

const SMALLEST = 1e-3, POINTS = 91;
const FRACTIONS = Array.from({ length: POINTS }, (_, i) => SMALLEST ** (i / (POINTS - 1)));
const paint = (j) => ({ color: (j % 6) + 1, dash: j < 6 ? undefined : "6 3" });

// The path depends on the data and the share alone: moving lambda does not compute it again.
let kept = {};
function pathFor(data, share, largest) {
  if (kept.data !== data || kept.share !== share) {
    kept = { data, share, path: elasticNetPath(data, FRACTIONS.map((f) => f * largest), share) };
  }
  return kept.path;
}

// Heights moved apart to keep a distance: the mean of pushing them all up and all down.
function spread(heights, distance) {
  const order = heights.map((_, i) => i).sort((i, j) => heights[i] - heights[j]);
  const up = [...heights], down = [...heights];
  for (let k = 1; k < order.length; k++) {
    up[order[k]] = Math.max(heights[order[k]], up[order[k - 1]] + distance);
    const i = order.length - 1 - k;
    down[order[i]] = Math.min(heights[order[i]], down[order[i + 1]] - distance);
  }
  return heights.map((_, i) => (up[i] + down[i]) / 2);
}

function pathPanel({ fraction }, { names, ylabel }, path, theta) {
  const values = path.flat(), last = path[path.length - 1];
  const low = Math.min(0, ...values), high = Math.max(0, ...values), margin = 0.06 * (high - low);
  const ylim = [low - margin, high + margin];
  const labels = spread(last, (ylim[1] - ylim[0]) / 20);
  // Room for the names to the left of the curves, as a share of a panel of 270 pixels.
  const room = Math.min(0.4, (18 + 7 * Math.max(...names.map((name) => name.length))) / 270);
  const leftOf = (share) => SMALLEST ** (1 + share / (1 - room));
  return {
    xlabel: "λ / λₘₐₓ", ylabel, xscale: "log", xlim: [leftOf(room), 1.05], ylim,
    xticks: [0.001, 0.01, 0.1, 1],
    series: [
      { type: "line", x: [SMALLEST, 1.05], y: [0, 0], color: "muted", width: 1 },
      { type: "line", x: [fraction, fraction], y: ylim, color: "ink", width: 1.25 },
      ...names.map((_, j) => ({ type: "line", x: FRACTIONS, y: path.map((row) => row[j]), ...paint(j) })),
      ...names.map((_, j) => ({ type: "line", x: [SMALLEST, leftOf(0.03)], y: [last[j], labels[j]], color: paint(j).color, width: 0.75 })),
      ...theta.flatMap((value, j) => (value ? [{ type: "points", x: [fraction], y: [value], color: paint(j).color, r: 4.5 }] : [])),
      ...names.map((text, j) => ({ type: "text", x: leftOf(0.04), y: labels[j], text, color: paint(j).color, anchor: "end", dy: 4 })),
    ],
  };
}

// The subgradient of |theta_j|, by the condition of stationarity: the sign of theta_j where it is
// not zero, and between -1 and 1 where it is.
function subgradients({ theta, correlations }, l1, l2) {
  return correlations.map((c, j) => (c - 2 * l2 * theta[j]) / l1);
}

function wallPanel({ share }, { names }, { theta }, slopes) {
  const bottom = names.length - 0.5;
  const bar = (to, j) => ({
    type: "polygon", x: [0, to, to, 0], y: [j - 0.32, j - 0.32, j + 0.32, j + 0.32],
    color: theta[j] ? paint(j).color : "muted", opacity: theta[j] ? 0.85 : 0.3,
  });
  const wall = (at) => ({ type: "line", x: [at, at], y: [-0.5, bottom], color: at ? "ink" : "muted", width: at ? 2 : 1 });
  return {
    xlabel: share > 0 ? "force / λ₁, (2Xⱼᵀr/n − 2λ₂θⱼ) / λ₁" : "force / λ, 2Xⱼᵀr/(nλ)",
    ynames: names, xlim: [-1.1, 1.1], ylim: [bottom, -0.5],
    series: [...slopes.map(bar), wall(-1), wall(0), wall(1)],
  };
}

function compute(params, data) {
  const { fraction, share } = params;
  const largest = 2 * Math.max(...data.b.map(Math.abs));
  const lambda = fraction * largest, l1 = (1 - share) * lambda, l2 = share * lambda;
  const here = coordinateDescent(data, l1, l2, data.b.map(() => 0));
  const path = pathFor(data, share, largest);
  const active = here.theta.filter((value) => value !== 0).length;
  return {
    panels: [pathPanel(params, data, path, here.theta), wallPanel(params, data, here, subgradients(here, l1, l2))],
    readouts: [
      ["λ", format(lambda)],
      ["active features", `${active} of ${data.names.length}`],
      ["training error", format(here.error, 4)],
      ["Σ|θⱼ|", format(here.norm1)],
      ["sweeps", String(here.sweeps)],
      ["duality gap", format(Math.max(0, here.gap), 1)],
    ],
  };
}

export default computedPlot({ compute });
