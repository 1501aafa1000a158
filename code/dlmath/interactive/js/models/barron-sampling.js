import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream, uniformStream } from "./lehmer.js";

const CONSTANT = 2 / Math.sqrt(Math.PI);
const ERROR_LIMITS = [1e-5, 1e3];

const average = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

// Dawson's integral: a sum of Gaussians over the odd numbers, of which few matter at a place.
function dawson(x) {
  const h = 0.3, nearest = 2 * Math.round((x / h - 1) / 2) + 1;
  let sum = 0;
  for (let n = nearest - 40; n <= nearest + 40; n += 2) sum += Math.exp(-((x - n * h) ** 2)) / n;
  return sum / Math.sqrt(Math.PI);
}

function pairsOf(d) {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d - i - 1 }, (_, j) => [i, i + j + 1])).flat();
}

const pairEnergy = (x, pairs) => average(pairs.map(([i, j]) => Math.exp(-((x[i] - x[j]) ** 2) / 2)));

// Points on the sphere of radius sqrt(d), their energies, and what the proof says of one step.
const made = new Map();
function setting(d, count) {
  const key = `${d} ${count}`;
  if (made.has(key)) return made.get(key);
  const r = Math.sqrt(d), pairs = pairsOf(d), stream = normalStream(7919 * d + 1);
  const points = Array.from({ length: count }, () => {
    const x = Array.from({ length: d }, stream), length = Math.hypot(...x);
    return x.map((xi) => (r * xi) / length);
  });
  const energies = points.map((x) => pairEnergy(x, pairs)), middle = average(energies);
  const grid = Array.from({ length: 2001 }, (_, i) => { const z = (r * i) / 2000; return z / 2 - dawson(2 * z) / 4; });
  const moment = average(points.map((x) => average(pairs.map(([i, j]) => {
    const at = (2000 * Math.abs(x[i] - x[j])) / Math.SQRT2 / r, k = Math.min(1999, Math.floor(at));
    return grid[k] + (at - k) * (grid[k + 1] - grid[k]);
  }))));
  const state = {
    d, r, pairs, points, energies,
    variance: average(energies.map((e) => (e - middle) ** 2)),
    bound: (2 * r * CONSTANT) ** 2,
    promised: (8 * r * moment) / Math.PI - average(energies.map((e) => (e - 1) ** 2)),
  };
  made.clear();
  return made.set(key, state).get(key);
}

// One lottery ticket: a pair, the length of its frequency, a side and a threshold.
function stepsOf({ r, pairs }, draw, most) {
  const uniform = uniformStream(104729 * draw + 1);
  for (let i = 0; i < 10; i++) uniform();
  return Array.from({ length: most }, () => {
    const [i, j] = pairs[Math.floor(uniform() * pairs.length)];
    const length = 2 * Math.sqrt(-Math.log(uniform())), side = uniform() < 0.5 ? 1 : -1, t = r * uniform();
    return { i, j, side, t, height: -2 * r * CONSTANT * Math.sin(length * t) };
  });
}

const fires = (x, { i, j, side, t }) => (side * (x[i] - x[j])) / Math.SQRT2 > t;

// The errors of the networks of the first m steps, for all the m of a list.
function errorsAt({ points, energies }, steps, sizes) {
  const sums = new Float64Array(points.length);
  let done = 0;
  return sizes.map((m) => {
    for (; done < m; done++) {
      const step = steps[done];
      for (let k = 0; k < points.length; k++) if (fires(points[k], step)) sums[k] += step.height;
    }
    return average(energies.map((e, k) => (e - 1 - sums[k] / m) ** 2));
  });
}

const drawn = new Map();
function experiment({ d, draw }, { count, sizes, clouds }) {
  const key = `${d} ${draw}`;
  if (drawn.has(key)) return drawn.get(key);
  const state = setting(d, count), most = sizes[sizes.length - 1];
  const steps = Array.from({ length: clouds }, (_, k) => stepsOf(state, clouds * (draw - 1) + k + 1, most));
  drawn.clear();
  return drawn.set(key, { ...state, steps: steps[0], errors: steps.map((s) => errorsAt(state, s, sizes)) }).get(key);
}

function errorPanel({ bound, promised, variance, errors }, m, error, { sizes }) {
  const ends = [sizes[0], sizes[sizes.length - 1]];
  const line = (value, more) => ({ type: "line", x: ends, y: ends.map((at) => value / at), ...more });
  return {
    xlabel: "number of steps m", ylabel: "squared error", xscale: "log", yscale: "log", xlim: ends, ylim: ERROR_LIMITS,
    series: [
      ...errors.slice(1).map((y) => ({ type: "line", x: sizes, y, color: 6, width: 1 })),
      line(bound, { color: 2, width: 1.75, dash: "6 4" }),
      { type: "line", x: ends, y: [variance, variance], color: "muted", width: 1.75, dash: "2 4" },
      { type: "line", x: sizes, y: errors[0], color: 1, width: 2.25 },
      line(promised, { color: 3, width: 2.25 }),
      { type: "points", x: [m], y: [error], color: 1, r: 5 },
      ...keys([["- - bound", 2], ["mean", 3], ["draw", 1], ["·· constant", "muted"]], ends[1], ERROR_LIMITS[1]),
    ],
  };
}

// One particle moves past the others, which stay.
function pathPanel({ d, r, points, pairs, steps }, m) {
  const rest = points[0].slice(1), scale = Math.sqrt((0.5 * (d - 1)) / rest.reduce((sum, x) => sum + x * x, 0));
  const others = rest.map((x) => scale * x), reach = Math.min(3, Math.sqrt(r * r - 0.5 * (d - 1)));
  const at = Array.from({ length: 241 }, (_, i) => reach * (i / 120 - 1));
  const place = (x) => [x, ...others], used = steps.slice(0, m);
  const network = at.map((x) => 1 + used.reduce((sum, step) => sum + (fires(place(x), step) ? step.height : 0), 0) / m);
  return {
    xlabel: "place of one particle", ylabel: "mean energy of a pair", xlim: [-reach, reach], ylim: [-0.25, 1.25],
    series: [
      { type: "points", x: others.filter((x) => Math.abs(x) < reach), y: others.filter((x) => Math.abs(x) < reach).map(() => -0.2), color: "muted", r: 3 },
      { type: "line", x: at, y: network, color: 1, width: 1.75 },
      { type: "line", x: at, y: at.map((x) => pairEnergy(place(x), pairs)), color: "ink", width: 2, dash: "6 4" },
      ...keys([["- - energy", "ink"], ["network", 1], ["• others", "muted"]], reach, 1.25),
    ],
  };
}

function compute(params, data) {
  const state = experiment(params, data), { m } = params;
  const [error] = errorsAt(state, state.steps, [m]);
  return {
    panels: [errorPanel(state, m, error, data), pathPanel(state, m)],
    readouts: [
      ["Barron's bound", format(state.bound / m)],
      ["mean over all draws", format(state.promised / m)],
      ["this draw", format(error)],
      ["variance of the energy", format(state.variance)],
      ["steps for a tenth of it", format(Math.ceil(state.promised / (0.1 * state.variance)))],
    ],
  };
}

const another = ({ draw }, { most }) => ({ draw: (draw % most) + 1 });

export default computedPlot({ compute, actions: { another } });
