import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { mixtureQuantile, mixtureVelocity, normalQuantile } from "./line-laws.js";
import { mixtureDensity } from "./line-mixture.js";
import { uniformStream } from "./lehmer.js";

const LIMIT = 3, WALKERS = 240, LINES = 40, FINE = 100, BINS = 48, EVERY = 20;
const share = (i, n) => (i + 0.5) / n;

function lawOf({ left }, { means, sd }) {
  return { weights: [left, 1 - left], means, variances: [sd * sd, sd * sd] };
}

// The velocity of the flow's own pairs, as a function of the place: between two walkers, on the straight line between theirs.
function straightVelocity({ starts, targets }, x, t) {
  const place = (i) => (1 - t) * starts[i] + t * targets[i];
  let low = 0, high = starts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (place(middle) <= x) low = middle;
    else high = middle;
  }
  const gap = place(high) - place(low), part = gap > 0 ? Math.max(0, Math.min(1, (x - place(low)) / gap)) : 0;
  return (1 - part) * (targets[low] - starts[low]) + part * (targets[high] - starts[high]);
}

const velocityOf = (made, pairs) => (pairs === "independent" ? (x, t) => mixtureVelocity(made.law, x, t) : (x, t) => straightVelocity(made, x, t));

function euler(velocity, start, steps) {
  const path = [start];
  for (let k = 0; k < steps; k++) path.push(path[k] + velocity(path[k], k / steps) / steps);
  return path;
}

// The midpoint rule with many steps stands for the flow itself.
function flowPath(velocity, start) {
  const path = [start], h = 1 / FINE;
  for (let k = 0; k < FINE; k++) {
    const x = path[k], t = k * h, first = velocity(x, t);
    path.push(x + h * velocity(x + (h / 2) * first, t + h / 2));
  }
  return path;
}

// What does not change with the number of steps is computed once for each law.
const remembered = new WeakMap();
function prepare(params, data) {
  const old = remembered.get(data);
  if (old && old.left === params.left) return old;
  const law = lawOf(params, data);
  const starts = Array.from({ length: WALKERS }, (_, i) => normalQuantile(share(i, WALKERS)));
  const targets = starts.map((_, i) => mixtureQuantile(law, share(i, WALKERS)));
  const uniform = uniformStream(7);
  const lines = Array.from({ length: LINES }, () => [normalQuantile(uniform()), mixtureQuantile(law, uniform())]);
  const shown = starts.map((_, i) => i).filter((i) => i % EVERY === EVERY / 2);
  const independent = (x, t) => mixtureVelocity(law, x, t);
  const curves = shown.map((i) => flowPath(independent, starts[i]));
  const made = { left: params.left, law, starts, targets, lines, shown, curves };
  remembered.set(data, made);
  return made;
}

const walked = ({ pairs, steps }, made) => made.starts.map((x) => euler(velocityOf(made, pairs), x, steps));

function wayPanel(params, made, paths) {
  const { pairs, steps } = params, { starts, targets, lines, shown, curves } = made, apart = pairs === "independent";
  const fine = Array.from({ length: FINE + 1 }, (_, i) => i / FINE), grid = Array.from({ length: steps + 1 }, (_, k) => k / steps);
  return {
    xlabel: "time t, from noise to data", ylabel: "place", xlim: [0, 1], ylim: [-LIMIT, LIMIT],
    series: [
      ...(apart ? lines : []).map(([a, b]) => ({ type: "line", x: [0, 1], y: [a, b], color: "muted", width: 0.8 })),
      ...shown.map((i, j) => (apart ? { type: "line", x: fine, y: curves[j], color: 1, width: 2 } : { type: "line", x: [0, 1], y: [starts[i], targets[i]], color: 1, width: 2 })),
      ...shown.map((i) => ({ type: "line", x: grid, y: paths[i], color: 2, width: 1.75, dash: "5 3" })),
      ...shown.map((i) => ({ type: "points", x: [1], y: [paths[i][steps]], r: 3.5, color: 2 })),
      ...keys([...(apart ? [["— pairs", "muted"]] : []), ["— flow", 1], ["- - Euler", 2]], 1, LIMIT),
    ],
  };
}

// The outline of a histogram, as a density.
function outline(values) {
  const width = (2 * LIMIT) / BINS, counts = new Array(BINS).fill(0);
  for (const v of values) {
    const bin = Math.floor((v + LIMIT) / width);
    if (bin >= 0 && bin < BINS) counts[bin] += 1 / (values.length * width);
  }
  const x = [-LIMIT], y = [0];
  counts.forEach((c, i) => { x.push(-LIMIT + i * width, -LIMIT + (i + 1) * width); y.push(c, c); });
  return { x: [...x, LIMIT], y: [...y, 0] };
}

function endPanel({ law }, ends) {
  const at = Array.from({ length: 201 }, (_, i) => -LIMIT + (i * 2 * LIMIT) / 200), bars = outline(ends);
  return {
    xlabel: "place at t = 1", ylabel: "density", xlim: [-LIMIT, LIMIT], ylim: [0, 1.5],
    series: [
      { type: "region", ...bars, color: 2, opacity: 0.35 },
      { type: "line", x: at, y: at.map((x) => mixtureDensity(x, law)), color: "ink", width: 1.75 },
      ...keys([["— data", "ink"], ["▪ Euler", 2]], LIMIT, 1.5),
    ],
  };
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function distance(ends, targets) {
  const sorted = [...ends].sort((a, b) => a - b);
  return mean(sorted.map((e, i) => Math.abs(e - targets[i])));
}

function energy({ pairs }, { law, starts, targets }) {
  if (pairs === "independent") return 1 + law.weights.reduce((sum, w, k) => sum + w * (law.means[k] ** 2 + law.variances[k]), 0);
  return mean(starts.map((x, i) => (targets[i] - x) ** 2));
}

function compute(params, data) {
  const made = prepare(params, data), paths = walked(params, made), ends = paths.map((path) => path[params.steps]);
  const miss = distance(ends, made.targets);
  return {
    panels: [wayPanel(params, made, paths), endPanel(made, ends)],
    readouts: [
      ["distance W₁ of the ends from the data", miss < 1e-9 ? "0" : format(miss)],
      ["energy of the pairs", format(energy(params, made))],
    ],
  };
}

export default computedPlot({ compute });
