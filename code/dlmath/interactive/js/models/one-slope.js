import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { uniformStream } from "./lehmer.js";
import { spaced, total } from "./rotated.js";

const FARTHEST = 1e9;
const DISTANCES = [1e-8, 1e2];

// A few different rows: the first of a shuffle that stops in time.
function chooseRows(uniform, n, size) {
  const rows = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(uniform() * (n - i));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows.slice(0, size);
}

// C(theta) = h (theta - best)^2 + least.
function parabola({ x, y }) {
  const h = total(x.map((xi) => xi * xi)) / x.length;
  const best = total(x.map((xi, i) => xi * y[i])) / x.length / h;
  const least = total(x.map((xi, i) => (y[i] - best * xi) ** 2)) / x.length;
  return { h, best, least };
}

function walk({ share, batch, draw }, data) {
  const { x, y, start, steps } = data, valley = parabola(data), eta = share / valley.h;
  const uniform = uniformStream(draw), thetas = [start];
  for (let k = 0; k < steps; k++) {
    const theta = thetas[k];
    const rows = batch < x.length ? chooseRows(uniform, x.length, batch) : x.map((_, i) => i);
    const slope = (2 / rows.length) * total(rows.map((i) => x[i] * (theta * x[i] - y[i])));
    thetas.push(Math.max(-FARTHEST, Math.min(FARTHEST, theta - eta * slope)));
  }
  return { ...valley, eta, thetas, factor: 1 - 2 * share };
}

function valleyPanel({ h, best, least, thetas }, { start, xlabel }) {
  const reach = 1.25 * Math.abs(start - best), xlim = [best - reach, best + reach];
  const cost = (theta) => h * (theta - best) ** 2 + least;
  const top = least + 1.08 * h * reach ** 2, foot = least - 0.08 * (top - least);
  const seen = thetas.findIndex((theta) => Math.abs(theta - best) > reach);
  const inside = thetas.slice(0, seen < 0 ? 40 : Math.min(seen, 40));
  const at = spaced(...xlim, 121);
  return {
    xlabel, ylabel: "cost C(θ)", xlim, ylim: [foot, top],
    series: [
      { type: "line", x: at, y: at.map(cost), color: 1, width: 2 },
      { type: "line", x: inside, y: inside.map(cost), color: 2, width: 1 },
      { type: "points", x: inside, y: inside.map(cost), color: 2, r: 4 },
      { type: "points", x: [best], y: [least], color: 3, r: 5, hollow: true },
    ],
  };
}

function distancePanel({ best, thetas, factor }, { start, steps }) {
  const order = thetas.map((_, k) => k), first = Math.abs(start - best);
  const law = order.map((k) => first * Math.abs(factor) ** k);
  const shown = (value) => (value > DISTANCES[0] && value < DISTANCES[1] ? value : NaN);
  return {
    xlabel: "step k", ylabel: "distance |θₖ − θ*|", yscale: "log", xlim: [0, steps], ylim: DISTANCES,
    series: [
      { type: "line", x: order, y: law.map(shown), color: 1, width: 1.5, dash: "6 4" },
      { type: "line", x: order, y: thetas.map((theta) => shown(Math.abs(theta - best))), color: 2, width: 1.75 },
      ...keys([["- - law", 1], ["walk", 2]], steps, DISTANCES[1]),
    ],
  };
}

function compute(params, data) {
  const state = walk(params, data);
  const { factor, best, thetas, eta } = state, last = Math.abs(thetas[thetas.length - 1] - best);
  return {
    panels: [valleyPanel(state, data), distancePanel(state, data)],
    readouts: [
      ["η", format(eta)],
      ["factor 1 − 2ηh", format(factor)],
      [`distance after ${data.steps} steps`, last < 1e-12 ? "0" : format(last)],
      ["samples read", String(data.steps * params.batch)],
    ],
  };
}

export default computedPlot({ compute });
