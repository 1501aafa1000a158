import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

// Minimisers of (theta - z)^2 + lambda times |theta|, theta^2, or the number of nonzero theta.
function soft(z, lambda) {
  return Math.sign(z) * Math.max(Math.abs(z) - lambda / 2, 0);
}

function shrink(z, lambda) {
  return z / (1 + lambda);
}

function hard(z, lambda) {
  return z * z > lambda ? z : 0;
}

const grid = (limit) => Array.from({ length: 241 }, (_, i) => limit * (i / 120 - 1));

function costs({ z, lambda }, limit) {
  const theta = grid(limit), top = limit * limit + 1;
  const lasso = (t) => (t - z) ** 2 + lambda * Math.abs(t), ridge = (t) => (t - z) ** 2 + lambda * t * t;
  const ends = [soft(z, lambda), shrink(z, lambda)];
  return {
    xlabel: "θ", ylabel: "cost", xlim: [-limit, limit], ylim: [0, top],
    series: [
      { type: "line", x: [0, 0], y: [0, top], color: "muted", width: 1 },
      { type: "line", x: theta, y: theta.map((t) => (t - z) ** 2), color: "muted", width: 1.5, dash: "2 4" },
      { type: "line", x: theta, y: theta.map(ridge), color: 3, dash: "7 4" },
      { type: "line", x: theta, y: theta.map(lasso), color: 1, width: 2.5 },
      { type: "points", x: [ends[1]], y: [ridge(ends[1])], color: 3, r: 6.5 },
      { type: "points", x: [ends[0]], y: [lasso(ends[0])], color: 1, r: 5 },
      { type: "text", x: limit, y: top, dy: -11, anchor: "end", text: "· · (θ − z)²", color: "muted" },
    ],
  };
}

function maps({ z, lambda }, limit) {
  const jump = Math.sqrt(lambda), half = lambda / 2;
  const ends = [hard(z, lambda), shrink(z, lambda), soft(z, lambda)];
  const names = ["— best subset (hard)", "- - ridge (shrink)", "— lasso (soft)"];
  const line = (x, y, more) => ({ type: "line", x, y, ...more });
  return {
    xlabel: "z = Xⱼᵀy / n", ylabel: "minimiser θ", xlim: [-limit, limit], ylim: [-limit, limit],
    series: [
      line([-limit, limit], [0, 0], { color: "muted", width: 1 }),
      line([-limit, limit], [-limit, limit], { color: "muted", width: 1.5, dash: "2 4" }),
      line([z, z], [-limit, limit], { color: "muted", width: 1 }),
      line([-9, -jump, -jump, jump, jump, 9], [-9, -jump, 0, 0, jump, 9], { color: 2, width: 1.5 }),
      line([-limit, limit], [shrink(-limit, lambda), shrink(limit, lambda)], { color: 3, dash: "7 4" }),
      line([-9, -half, half, 9], [half - 9, 0, 0, 9 - half], { color: 1, width: 2.5 }),
      ...[2, 3, 1].map((color, i) => ({ type: "points", x: [z], y: [ends[i]], color, r: 8 - 1.5 * i })),
      ...[1, 3, 2].map((color, i) => ({ type: "text", x: -limit, y: limit, dx: 6, dy: 14 + 17 * i, text: names[2 - i], color })),
    ],
  };
}

function compute(params, { limit }) {
  const { z, lambda } = params;
  return {
    panels: [costs(params, limit), maps(params, limit)],
    readouts: [
      ["θ, lasso", format(soft(z, lambda))],
      ["θ, ridge", format(shrink(z, lambda))],
      ["θ, best subset", format(hard(z, lambda))],
      ["threshold λ/2", format(lambda / 2)],
      ["slopes beside 0, lasso", `${format(-2 * z - lambda)} and ${format(lambda - 2 * z)}`],
    ],
  };
}

export default computedPlot({ compute });
