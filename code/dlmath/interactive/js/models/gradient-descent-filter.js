import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { ridgeFactors } from "./rotated.js";

// Gradient descent from zero on the centred problem, in the basis of the singular vectors:
// after k steps component j has reached the share 1 - (1 - 2 eta d_j^2 / n)^k of least squares.
function filterFactors(d, share, k, largest) {
  return d.map((dj) => 1 - (1 - 2 * share * (dj / largest) ** 2) ** k);
}

// share is eta in units of its limit 2/L, where L = 2 d_1^2 / n.
function descend({ share, k }, { d, n, uy, yy }) {
  const largest = Math.max(...d);
  const eta = (share * n) / largest ** 2;
  const factors = filterFactors(d, share, k, largest);
  const sum = (terms) => terms.reduce((total, term) => total + term, 0);
  const unexplained = yy - sum(uy.map((u) => u * u));
  return {
    eta,
    lambda: 1 / (2 * eta * k),
    factors,
    cost: (unexplained + sum(uy.map((u, j) => ((1 - factors[j]) * u) ** 2))) / n,
    norm: Math.sqrt(sum(uy.map((u, j) => ((factors[j] * u) / d[j]) ** 2))),
    dof: 1 + sum(factors),
  };
}

function curve(factors, { d, uy, basis, mean }) {
  const weights = factors.map((f, j) => (f * uy[j]) / d[j]);
  return basis.map((row) => mean + row.reduce((total, b, j) => total + b * weights[j], 0));
}

function compute(params, data) {
  const { d, n, grid, x, y, xlabel, ylabel, ylim } = data;
  const state = descend(params, data);
  const nLambda = n * state.lambda;
  const largest = Math.max(...d), smallest = Math.min(...d);
  const low = smallest / 2, high = largest * 1.6;
  const axis = Array.from({ length: 161 }, (_, i) => low * (largest / low) ** (i / 160));
  const clipped = (values) => values.map((value) => Math.max(-9, Math.min(9, value)));
  const diverges = params.share > 1;
  const left = {
    xlabel: "singular value d", ylabel: "filter factor", xscale: "log", xlim: [low, high], ylim: [-0.35, 1.45],
    series: [
      { type: "line", x: axis, y: ridgeFactors(axis, nLambda), color: 3, dash: "6 4" },
      { type: "line", x: axis, y: clipped(filterFactors(axis, params.share, params.k, largest)), color: 1 },
      { type: "points", x: d, y: clipped(state.factors), color: 1, r: 4.5 },
      { type: "text", x: low, y: 1.3, dx: 6, text: "● gradient descent", color: 1 },
      { type: "text", x: low, y: 1.3, dx: 6, dy: 18, text: "- - ridge, λ = 1/(2ηk)", color: 3 },
    ],
  };
  const end = [grid[0], grid[grid.length - 1]];
  const right = {
    xlabel, ylabel, xlim: end, ylim,
    series: [
      { type: "line", x: grid, y: curve(d.map(() => 1), data), color: "muted", width: 1.5, dash: "2 4" },
      { type: "line", x: grid, y: curve(ridgeFactors(d, nLambda), data), color: 3, dash: "6 4" },
      { type: "line", x: grid, y: curve(state.factors, data), color: 1, width: 2.25 },
      { type: "points", x, y, color: "ink", r: 3 },
      { type: "text", x: end[1], y: ylim[1], dy: -11, anchor: "end", text: "· · least squares", color: "muted" },
    ],
  };
  const message = "η is beyond its limit 2/L: the largest component grows at every step";
  if (diverges) right.series.push({ type: "text", x: end[0], y: ylim[0], dx: 6, dy: -8, text: "η > 2/L: the iteration diverges", color: 2 });
  return {
    panels: [left, right],
    readouts: [
      ["steps k", String(params.k)],
      ["C(θₖ)", format(state.cost, 4)],
      ["‖θₖ‖", format(state.norm)],
      ["effective degrees of freedom", diverges ? "–" : format(state.dof)],
      ["λ = 1/(2ηk)", format(state.lambda)],
    ],
    message: diverges ? message : undefined,
  };
}

export default computedPlot({ compute });
