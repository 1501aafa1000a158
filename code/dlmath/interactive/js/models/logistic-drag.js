import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { leastSquares } from "../linalg.js";
import { format } from "../plot.js";
import { spacedLog } from "./rotated.js";

const REACH = 40;
const LOGIT = Math.log(9);
const RUNAWAY = "separable: the coefficients grow without bound as λ falls";

const dot = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);
const expit = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

// Mean cross-entropy and the penalty, which leaves the intercept theta[0] alone.
function cost(rows, labels, theta, lambda) {
  const entropy = rows.map((row, i) => softplus(labels[i] ? -dot(row, theta) : dot(row, theta)));
  return entropy.reduce((a, b) => a + b) / rows.length + lambda * (theta[1] ** 2 + theta[2] ** 2);
}

function derivatives(rows, labels, theta, lambda) {
  const n = rows.length, penalty = [0, 2 * lambda, 2 * lambda];
  const z = rows.map((row) => dot(row, theta));
  const gradient = theta.map((t, j) => rows.reduce((sum, row, i) => sum + row[j] * (expit(z[i]) - labels[i]), 0) / n + penalty[j] * t);
  const hessian = theta.map((_, j) => theta.map((__, l) => (
    rows.reduce((sum, row, i) => sum + row[j] * row[l] * expit(z[i]) * expit(-z[i]), 0) / n + (j === l ? penalty[j] : 0)
  )));
  return { gradient, hessian };
}

// Newton's method; a step is halved until the cost falls.
function newton(rows, labels, lambda, start) {
  let theta = start, value = cost(rows, labels, theta, lambda), steps = 0;
  for (; steps < 100; steps++) {
    const { gradient, hessian } = derivatives(rows, labels, theta, lambda);
    if (Math.max(...gradient.map(Math.abs)) < 1e-11) break;
    const solved = leastSquares(hessian, gradient);
    const way = solved === null ? gradient : solved.theta;
    let length = 1, next, found;
    do {
      next = theta.map((t, j) => t - length * way[j]);
      found = cost(rows, labels, next, lambda);
      length /= 2;
    } while (!(found <= value - 2e-4 * length * dot(gradient, way) + 1e-15) && length > 1e-9);
    if (length <= 1e-9) break;
    theta = next;
    value = found;
  }
  return { theta, value, steps };
}

// A line that separates weakly can be moved and turned until it passes through two of the points.
function separable(points, labels) {
  const sides = (normal, offset) => points.map((point, i) => (2 * labels[i] - 1) * (dot(normal, point) - offset));
  const normals = points.flatMap((p, i) => points.slice(i + 1).flatMap((q) => {
    const d = [q[0] - p[0], q[1] - p[1]], length = Math.hypot(...d);
    return length > 1e-9 ? [[[-d[1] / length, d[0] / length], p], [[d[1] / length, -d[0] / length], p]] : [];
  }));
  return normals.some(([normal, p]) => {
    const margins = sides(normal, dot(normal, p));
    return Math.min(...margins) >= -1e-9 && Math.max(...margins) > 1e-9;
  });
}

function state(params, data) {
  const points = data.labels.map((_, i) => params[`p${i}`]);
  const rows = points.map((point) => [1, ...point]);
  const lambdas = spacedLog(...data.lambdas, 43).reverse();
  let theta = [0, 0, 0];
  const norms = lambdas.map((lambda) => {
    theta = newton(rows, data.labels, lambda, theta).theta;
    return Math.hypot(theta[1], theta[2]);
  });
  const fit = newton(rows, data.labels, params.lambda, [0, 0, 0]);
  const wrong = rows.filter((row, i) => (dot(row, fit.theta) > 0) !== Boolean(data.labels[i])).length;
  return { points, ...fit, wrong, norm: Math.hypot(fit.theta[1], fit.theta[2]), lambdas, norms, separable: separable(points, data.labels) };
}

// The line on which the score is c, and the half plane beyond it.
function level([theta0, ...normal], c) {
  const square = dot(normal, normal), length = Math.sqrt(square);
  if (!(length > 1e-9)) return null;
  const foot = normal.map((v) => (v * (c - theta0)) / square), along = [-normal[1] / length, normal[0] / length];
  const ends = [-1, 1].map((s) => foot.map((v, i) => v + s * REACH * along[i]));
  const far = [...ends].reverse().map((end) => end.map((v, i) => v + (REACH * normal[i]) / length));
  return { line: ends, half: [...ends, ...far] };
}

function planePanel({ theta }, { limit }) {
  const column = (points, i) => points.map((point) => point[i]);
  const series = [];
  const middle = level(theta, 0);
  if (middle !== null) {
    series.push({ type: "polygon", x: column(middle.half, 0), y: column(middle.half, 1), color: 1, opacity: 0.1 });
    for (const [c, dash, width] of [[-LOGIT, "3 5", 1.5], [0, undefined, 2.25], [LOGIT, "3 5", 1.5]]) {
      const { line } = level(theta, c);
      series.push({ type: "line", x: column(line, 0), y: column(line, 1), color: c === 0 ? "ink" : "muted", width, dash });
    }
  }
  const names = [["● class 1", 1], ["○ class 0", 2], ["· · ŷ = 0.1, 0.9", "muted"]];
  return { xlabel: "x₁", ylabel: "x₂", xlim: [-limit, limit], ylim: [-limit, limit], series: [...series, ...keys(names, limit, limit)] };
}

function normPanel({ lambda }, { lambdas, norms, norm, separable: runaway }, data) {
  return {
    xlabel: "penalty λ", ylabel: "length ‖θ‖ of the coefficients", xscale: "log", yscale: "log",
    xlim: data.lambdas, ylim: data.normLimits,
    series: [
      { type: "line", x: [lambda, lambda], y: data.normLimits, color: "line", width: 6 },
      { type: "line", x: lambdas, y: norms, color: runaway ? 2 : 1, width: 2.25 },
      { type: "points", x: [lambda], y: [norm], color: runaway ? 2 : 1, r: 4.5 },
    ],
  };
}

function compute(params, data) {
  const found = state(params, data);
  return {
    panels: [planePanel(found, data), normPanel(params, found, data)],
    readouts: [
      ["linearly separable", found.separable ? "yes" : "no"],
      ["‖θ‖", format(found.norm)],
      ["cost", format(found.value)],
      ["on the wrong side", String(found.wrong)],
      ["Newton steps", String(found.steps)],
    ],
    message: found.separable ? RUNAWAY : undefined,
  };
}

export default computedPlot({ compute });
