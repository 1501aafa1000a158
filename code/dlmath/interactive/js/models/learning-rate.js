import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { spacedLog } from "./rotated.js";

// A quadratic cost in the directions of its Hessian matrix: each begins with the same share.
function curvatures({ condition }, { L, directions }) {
  return directions === 1 ? [L] : spacedLog(L / condition, L, directions);
}

// The cost after k steps with one learning rate, over the cost at the beginning.
function after(eta, k, h) {
  return h.reduce((sum, hj) => sum + (1 - eta * hj) ** (2 * k), 0) / h.length;
}

// The range test: the rate grows by a constant factor, and the cost is read before each step.
function rangeTest({ ramp }, { rates }, h) {
  const etas = spacedLog(...rates, ramp), errors = h.map(() => 1);
  const costs = etas.map((eta) => {
    const cost = errors.reduce((sum, e) => sum + e * e, 0) / h.length;
    h.forEach((hj, j) => { errors[j] *= 1 - eta * hj; });
    return cost;
  });
  return { etas, costs };
}

const lowest = (values) => values.reduce((best, v, i) => (v < values[best] ? i : best), 0);

function search(params, data) {
  const h = curvatures(params, data), etas = spacedLog(...data.rates, data.points);
  const costs = etas.map((eta) => after(eta, params.k, h));
  const test = rangeTest(params, data, h), best = lowest(costs), turn = lowest(test.costs);
  return { h, etas, costs, test, best, turn, limit: 2 / h[h.length - 1], ideal: 2 / (h[0] + h[h.length - 1]) };
}

function panel(xs, ys, at, found, { rates, shown }, names) {
  const inside = ys.map((y) => (y > 10 * shown[1] || y < shown[0] / 10 ? NaN : y));
  return {
    xscale: "log", yscale: "log", xlim: rates, ylim: shown, ...names,
    series: [
      { type: "line", x: [found.limit, found.limit], y: shown, color: 2, width: 1.75, dash: "6 4" },
      { type: "line", x: rates, y: [1, 1], color: "muted", width: 1.5, dash: "2 4" },
      { type: "line", x: xs, y: inside, color: 1, width: 2.25 },
      { type: "points", x: [xs[at]], y: [Math.max(ys[at], shown[0])], color: 3, r: 5 },
      ...keys([["● lowest", 3], ["- - 2/L", 2]], rates[1], shown[1]),
    ],
  };
}

function compute(params, data) {
  const found = search(params, data);
  return {
    panels: [
      panel(found.etas, found.costs, found.best, found, data, { xlabel: "learning rate η, constant", ylabel: `cost after ${params.k} steps` }),
      panel(found.test.etas, found.test.costs, found.turn, found, data, { xlabel: "learning rate η, rising", ylabel: "cost in the range test" }),
    ],
    readouts: [
      ["limit 2/L", format(found.limit)],
      ["best for this many steps", format(found.etas[found.best])],
      ["best in the long run, 2/(μ + L)", format(found.ideal)],
      ["cost there", format(found.costs[found.best])],
      ["lowest in the range test", format(found.test.etas[found.turn])],
    ],
  };
}

export default computedPlot({ compute });
