import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { filtered, polynomialCurve, ridgeFactors, rms, spaced, spacedLog, total } from "./rotated.js";

const WRONG = "intercept penalised: drawn towards zero";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (n) => [...String(n)].map((digit) => SUBSCRIPTS[digit]).join("");
const hue = (j) => 1 + ((j - 1) % 6);

// The intercept is free unless the box is ticked; then it is one more penalised coefficient.
function ridge({ lambda, intercept }, data) {
  const model = intercept ? data.penalised : data.free;
  const factors = ridgeFactors(model.d, data.n * lambda);
  const theta = filtered(factors, model);
  const curve = polynomialCurve(theta, model, data);
  const error = (x, y) => rms(x.map((xi, i) => y[i] - curve(xi)));
  return {
    model, factors, theta, curve,
    dof: (intercept ? 0 : 1) + total(factors),
    norm: Math.hypot(...theta.slice(1)),
    training: error(data.x, data.y),
    held: data.xNew.length > 0 ? error(data.xNew, data.yNew) : null,
    meanResidual: total(data.x.map((xi, i) => data.y[i] - curve(xi))) / data.n,
  };
}

function fitPanel({ intercept }, state, data) {
  const { x, y, xNew, yNew, truth, ends, range, xlabel, ylabel, ylim } = data;
  const at = spaced(...ends, data.points);
  const all = data.free.d.map(() => 1);
  const best = polynomialCurve(filtered(all, data.free), data.free, data);
  const names = [["— ridge", 1], ["· · least squares", "muted"]];
  const series = [{ type: "line", x: at, y: at.map(best), color: "muted", width: 1.5, dash: "2 4" }];
  if (truth) {
    series.push({ type: "line", x: at, y: truth, color: 3, width: 1.75, dash: "6 4" });
    names.push(["- - truth", 3]);
  }
  series.push({ type: "line", x: at, y: at.map(state.curve), color: 1, width: 2.25 });
  if (state.held !== null) {
    series.push({ type: "points", x: xNew, y: yNew, color: 2, r: 3.5, hollow: true });
    names.push(["○ new", 2]);
  }
  series.push({ type: "points", x, y, color: "ink", r: 3 });
  if (intercept) series.push({ type: "text", x: range[0], y: ylim[0], dx: 8, dy: -9, text: WRONG, color: 2 });
  return { xlabel, ylabel, xlim: range, ylim, series: [...series, ...keys(names, range[1], ylim[1])] };
}

// The largest coefficients are named, as far as their names do not touch.
function pathNames(theta, x, ylim) {
  const room = 0.09 * (ylim[1] - ylim[0]), named = [];
  const order = theta.map((_, j) => j).slice(1).sort((a, b) => Math.abs(theta[b]) - Math.abs(theta[a]));
  for (const j of order) {
    if (named.every((other) => Math.abs(theta[other] - theta[j]) > room)) named.push(j);
  }
  return named.map((j) => ({ type: "text", x, y: theta[j], dx: -5, dy: 4, anchor: "end", text: `θ${subscript(j)}`, color: hue(j) }));
}

function pathPanel({ lambda }, state, data) {
  const { lambdas, coefficientLimits } = data;
  const at = spacedLog(...lambdas, 101);
  const paths = at.map((value) => filtered(ridgeFactors(state.model.d, data.n * value), state.model));
  const indices = state.theta.map((_, j) => j).slice(1);
  return {
    xlabel: "penalty λ", ylabel: "coefficients θⱼ", xscale: "log",
    xlim: [lambdas[0] / (lambdas[1] / lambdas[0]) ** 0.13, lambdas[1]], ylim: coefficientLimits,
    series: [
      { type: "line", x: [lambda, lambda], y: coefficientLimits, color: "line", width: 6 },
      ...indices.map((j) => ({ type: "line", x: at, y: paths.map((theta) => theta[j]), color: hue(j), width: 1.5 })),
      ...indices.map((j) => ({ type: "points", x: [lambda], y: [state.theta[j]], color: hue(j), r: 3.5 })),
      ...pathNames(paths[0], lambdas[0], coefficientLimits),
    ],
  };
}

function filterPanel({ lambda }, { model, factors }, { n, singularLimits }) {
  const [low, high] = singularLimits, edge = Math.sqrt(n * lambda);
  const axis = spacedLog(low, high, 121);
  const series = [
    { type: "line", x: [edge, edge], y: [-0.1, 1.25], color: "line", width: 6 },
    { type: "line", x: axis, y: ridgeFactors(axis, n * lambda), color: 1, width: 1.5 },
    { type: "points", x: model.d, y: factors, color: 1, r: 4.5 },
  ];
  if (edge > low && edge < high) {
    const left = edge ** 2 > low * high;
    series.push({ type: "text", x: edge, y: 1.13, dx: left ? -7 : 7, dy: 4, anchor: left ? "end" : "start", text: "d² = nλ", color: "muted" });
  }
  return { xlabel: "singular value d", ylabel: "filter factor d²/(d² + nλ)", xscale: "log", xlim: singularLimits, ylim: [-0.1, 1.25], series };
}

function compute(params, data) {
  const state = ridge(params, data);
  const small = (value) => format(Math.abs(value) < 1e-10 * data.scale ? 0 : value);
  return {
    panels: [fitPanel(params, state, data), pathPanel(params, state, data), filterPanel(params, state, data)],
    readouts: [
      ["degrees of freedom", format(state.dof)],
      ["training error (rms)", format(state.training)],
      ...(state.held === null ? [] : [["error at new points (rms)", format(state.held)]]),
      ["‖θ‖", format(state.norm)],
      ["mean residual", small(state.meanResidual)],
    ],
    message: params.intercept ? WRONG : undefined,
  };
}

export default computedPlot({ compute });
