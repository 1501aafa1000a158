import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { householder, solveUpper } from "../linalg.js";
import { format } from "../plot.js";
import { normalFrom, uniformStream } from "./lehmer.js";
import { spaced, total } from "./rotated.js";

// What the data are drawn from: a damped oscillation on [-1, 1].
const truth = (x) => Math.exp(-0.5 * (x + 1)) * Math.cos(5 * (x + 1));

// The first n of the points of one draw: more points are added to the same ones.
function points({ n, noise, draw }, { most }) {
  const uniform = uniformStream();
  for (let i = 0; i < 3 * most * draw; i++) uniform();
  const x = [], y = [];
  for (let i = 0; i < n; i++) {
    x.push(2 * uniform() - 1);
    y.push(truth(x[i]) + noise * normalFrom(uniform));
  }
  return { x, y };
}

// Legendre's polynomials of degree 0 to `degree`.
function legendre(t, degree) {
  const row = [1, t];
  for (let j = 1; j < degree; j++) row.push(((2 * j + 1) * t * row[j] - j * row[j - 1]) / (j + 1));
  return row.slice(0, degree + 1);
}

const dot = (a, b) => total(a.map((value, i) => value * b[i]));

// Least squares for all degrees at once: one triangle holds them all.
function fits({ x, y }, { highest, grid }, noise) {
  const { R, c } = householder(x.map((t) => legendre(t, highest)), y);
  return Array.from({ length: highest + 1 }, (_, degree) => {
    const theta = solveUpper(R, c, degree + 1);
    const miss = grid.rows.map((row, k) => (dot(theta, row.slice(0, degree + 1)) - grid.truth[k]) ** 2);
    return {
      theta,
      training: dot(c.slice(degree + 1), c.slice(degree + 1)) / x.length,
      test: noise ** 2 + total(miss) / miss.length,
    };
  });
}

// The middles of equal cells: the mean over them is the mean over all x, nearly.
const prepared = new Map();
function withGrid(data) {
  if (!prepared.has(data.highest)) {
    const at = spaced(-1 + 1 / data.cells, 1 - 1 / data.cells, data.cells);
    prepared.set(data.highest, { at, truth: at.map(truth), rows: at.map((t) => legendre(t, data.highest)) });
  }
  return { ...data, grid: prepared.get(data.highest) };
}

function fitPanel({ degree }, { x, y }, found, { ylim }) {
  const at = spaced(-1, 1, 161), { theta } = found[degree];
  const inside = (value) => (value < 2 * ylim[0] || value > 2 * ylim[1] ? NaN : value);
  return {
    xlabel: "x", ylabel: "y", xlim: [-1.03, 1.03], ylim,
    series: [
      { type: "line", x: at, y: at.map(truth), color: 3, width: 1.75, dash: "6 4" },
      { type: "line", x: at, y: at.map((t) => inside(dot(theta, legendre(t, degree)))), color: 1, width: 2.25 },
      { type: "points", x, y, color: "ink", r: x.length > 60 ? 2 : 3 },
      ...keys([["- - truth", 3], [`— degree ${degree}`, 1]], 1.03, ylim[1]),
    ],
  };
}

function errorPanel(xs, results, at, { noise }, { errors }, frame) {
  const clipped = (value) => Math.min(value, 2 * errors[1]);
  const curve = (name, color) => [
    { type: "line", x: xs, y: results.map((fit) => clipped(fit[name])), color, width: 1.75 },
    { type: "points", x: xs, y: results.map((fit) => (fit[name] > errors[1] ? NaN : fit[name])), color, r: 3 },
  ].map((s) => (s.type === "points" ? withoutNaN(s) : s));
  return {
    ylabel: "mean squared error", yscale: "log", ylim: errors, ...frame,
    series: [
      { type: "line", x: [at, at], y: errors, color: "line", width: 6 },
      { type: "line", x: frame.xlim, y: [noise ** 2, noise ** 2], color: "muted", width: 1.5, dash: "2 4" },
      ...curve("training", 1), ...curve("test", 2),
      ...keys([["training", 1], ["test", 2], ["· · noise s²", "muted"]], frame.xlim[1], errors[1]),
    ],
  };
}

function withoutNaN(series) {
  const kept = series.y.map((_, i) => i).filter((i) => Number.isFinite(series.y[i]));
  return { ...series, x: kept.map((i) => series.x[i]), y: kept.map((i) => series.y[i]) };
}

function learn(params, bare) {
  const data = withGrid(bare);
  const all = points({ ...params, n: data.most }, data);
  const first = (n) => ({ x: all.x.slice(0, n), y: all.y.slice(0, n) });
  const here = first(params.n), byDegree = fits(here, data, params.noise);
  const bySize = data.sizes.map((n) => fits(first(n), { ...data, highest: params.degree }, params.noise)[params.degree]);
  const best = byDegree.reduce((k, fit, degree) => (fit.test < byDegree[k].test ? degree : k), 0);
  return { here, byDegree, bySize, best };
}

function compute(params, data) {
  const { here, byDegree, bySize, best } = learn(params, data);
  const found = byDegree[params.degree];
  return {
    panels: [
      fitPanel(params, here, byDegree, data),
      errorPanel(byDegree.map((_, degree) => degree), byDegree, params.degree, params, data, { xlabel: "degree", xlim: [-0.4, data.highest + 0.4] }),
      errorPanel(data.sizes, bySize, params.n, params, data, { xlabel: "samples n", xscale: "log", xlim: [data.sizes[0] / 1.1, data.most * 1.1] }),
    ],
    readouts: [
      ["training error", format(found.training)],
      ["test error", format(found.test)],
      ["noise s²", format(params.noise ** 2)],
      ["best degree here", String(best)],
    ],
  };
}

export default computedPlot({ compute });
