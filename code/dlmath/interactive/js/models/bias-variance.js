import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream, normalVector } from "./lehmer.js";

const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

// The values of the orthonormal polynomials of the points `at`, there and on the grid: the
// recurrence of Stieltjes, pi_{j+1} = (x - a_j) pi_j - b_j pi_{j-1}.
function orthonormal(at, grid, degree) {
  const onAt = [], onGrid = [];
  let before = at.map(() => 0), now = at.map(() => 1), old = 1;
  let gBefore = grid.map(() => 0), gNow = grid.map(() => 1);
  for (let j = 0; j <= degree; j++) {
    const square = now.reduce((sum, v) => sum + v * v, 0), size = Math.sqrt(square);
    onAt.push(now.map((v) => v / size));
    onGrid.push(gNow.map((v) => v / size));
    const a = now.reduce((sum, v, i) => sum + at[i] * v * v, 0) / square, b = j ? square / old : 0;
    [before, now] = [now, now.map((v, i) => (at[i] - a) * v - b * before[i])];
    [gBefore, gNow] = [gNow, gNow.map((v, i) => (grid[i] - a) * v - b * gBefore[i])];
    old = square;
  }
  return { onAt, onGrid };
}

const project = (basis, y) => basis.map((q) => q.reduce((sum, v, i) => sum + v * y[i], 0));

function combined(coefficients, onGrid, degree) {
  const curve = onGrid[0].map((v) => coefficients[0] * v);
  for (let j = 1; j <= degree; j++) onGrid[j].forEach((v, i) => { curve[i] += coefficients[j] * v; });
  return curve;
}

// n points evenly inside [-1, 1]; the truth there from the table of the data.
function design(n, { grid, truth }) {
  const at = Array.from({ length: n }, (_, i) => -1 + (2 * i + 1) / n);
  const step = (grid.length - 1) / 2;
  const f = at.map((x) => {
    const k = Math.min(Math.floor((x + 1) * step), grid.length - 2), t = (x + 1) * step - k;
    return (1 - t) * truth[k] + t * truth[k + 1];
  });
  return { at, f };
}

// Squared bias and variance of the prediction, averaged over the grid, for every degree: exactly.
function exactCurves(f, { onAt, onGrid }, s, truth) {
  const inside = project(onAt, f), fitted = truth.map(() => 0), leverage = truth.map(() => 0);
  return onGrid.map((g, degree) => {
    g.forEach((v, i) => { fitted[i] += inside[degree] * v; leverage[i] += v * v; });
    return { bias2: mean(truth.map((v, i) => (fitted[i] - v) ** 2)), variance: s * s * mean(leverage) };
  });
}

// Refits to new noise; what they scatter, and how far their mean is from the truth, as they show it.
function refit({ degree, s, draw }, at, f, bases, { truth, fits }) {
  const stream = normalStream(7919 * draw), curves = [];
  let training = 0, first = null;
  for (let k = 0; k < fits; k++) {
    const e = normalVector(stream, at.length), y = f.map((v, i) => v + s * e[i]);
    const c = project(bases.onAt.slice(0, degree + 1), y);
    first ??= y;
    curves.push(combined(c, bases.onGrid, degree));
    training += (y.reduce((sum, v) => sum + v * v, 0) - c.reduce((sum, v) => sum + v * v, 0)) / at.length / fits;
  }
  const centre = truth.map((_, i) => mean(curves.map((curve) => curve[i])));
  const spread = truth.map((_, i) => curves.reduce((sum, curve) => sum + (curve[i] - centre[i]) ** 2, 0) / (fits - 1));
  const variance = mean(spread);
  const bias2 = mean(truth.map((v, i) => (centre[i] - v) ** 2)) - variance / fits;
  const error = mean(curves.map((curve) => mean(truth.map((v, i) => (curve[i] - v) ** 2))));
  return { y: first, curves, centre, variance, bias2, error, training };
}

function assess(params, data) {
  const { n, degree, s } = params, { at, f } = design(n, data);
  const highest = Math.min(data.highest, n - 2), used = Math.min(degree, highest);
  const bases = orthonormal(at, data.grid, highest);
  const exact = exactCurves(f, bases, s, data.truth);
  return { at, f, exact, used, ...refit({ ...params, degree: used }, at, f, bases, data) };
}

function compute(params, data) {
  const state = assess(params, data), { grid, truth, xlabel, ylabel, ylim, errorLimits } = data;
  const { exact, used, at } = state, s2 = params.s ** 2, now = exact[used];
  const degrees = exact.map((_, j) => j), total = exact.map((e) => e.bias2 + e.variance + s2);
  const fits = {
    xlabel, ylabel, xlim: [-1, 1], ylim,
    series: [
      ...state.curves.slice(0, data.drawn).map((y) => ({ type: "line", x: grid, y, color: "line", width: 1 })),
      { type: "line", x: grid, y: truth, color: 3, width: 2, dash: "6 4" },
      { type: "line", x: grid, y: state.centre, color: 1, width: 2.25 },
      { type: "points", x: at, y: state.y, color: "ink", r: 2.5 },
      ...keys([["— fits", "muted"], ["— their mean", 1], ["- - truth", 3]], 1, ylim[1]),
    ],
  };
  const clamp = (values) => values.map((v) => Math.max(v, 1e-12));
  const dot = (y, color) => ({ type: "points", x: [used], y: clamp([y]), color, r: 4.5 });
  const errors = {
    xlabel: "degree", ylabel: "squared error", xlim: [-0.4, data.highest + 0.4], ylim: errorLimits, yscale: "log",
    series: [
      { type: "line", x: [used, used], y: errorLimits, color: "line", width: 6 },
      { type: "line", x: [-0.4, data.highest + 0.4], y: [s2, s2], color: "muted", width: 1.5, dash: "2 4" },
      { type: "line", x: degrees, y: clamp(exact.map((e) => e.bias2)), color: 2, width: 2 },
      { type: "line", x: degrees, y: clamp(exact.map((e) => e.variance)), color: 1, width: 2 },
      { type: "line", x: degrees, y: total, color: "ink", width: 2.5 },
      dot(state.bias2, 2), dot(state.variance, 1), dot(state.error + s2, "ink"),
      ...keys([["bias²", 2], ["variance", 1], ["· · noise", "muted"], ["sum", "ink"]], data.highest + 0.4, errorLimits[1]),
    ],
  };
  const best = total.indexOf(Math.min(...total));
  return {
    panels: [fits, errors],
    readouts: [
      ["bias²: exact, measured", `${format(now.bias2)}, ${format(state.bias2)}`],
      ["variance: exact, measured", `${format(now.variance)}, ${format(state.variance)}`],
      ["error at new data: exact, measured", `${format(total[used])}, ${format(state.error + s2)}`],
      ["training error, measured", format(state.training)],
      ["best degree", String(best)],
    ],
    message: used < params.degree ? `with ${params.n} points the degree ends at ${used}` : undefined,
  };
}

export default computedPlot({ compute });
