import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { normalFrom, uniformStream } from "./lehmer.js";
import { ddimBack } from "./back-steps.js";
import { SCHEDULES } from "./schedules.js";

const VIEW = 2.4, NEAR = 0.05, LARGEST = 8;
const PATH_SCHEDULES = { cosine: SCHEDULES.cosine, "linear β": SCHEDULES.linear, "straight line": SCHEDULES.straight };

// Decreasing times from the end to 0, equally far apart.
const evenTimes = ({ end }, steps) => Array.from({ length: steps + 1 }, (_, k) => end * (1 - k / steps));

// The shares of the data given a state, and the best guess of x_0, for data that are spread by a width.
function bestGuess(x, points, { gamma, sigma }, width) {
  const variance = (gamma * width) ** 2 + sigma ** 2;
  const exponents = points.map((p) => -((x[0] - gamma * p[0]) ** 2 + (x[1] - gamma * p[1]) ** 2) / (2 * variance));
  const largest = Math.max(...exponents), weights = exponents.map((e) => Math.exp(e - largest));
  const total = weights.reduce((a, b) => a + b, 0), shares = weights.map((w) => w / total);
  const keep = (gamma * width ** 2) / variance;
  const at = [0, 1].map((j) => points.reduce((sum, p, i) => sum + shares[i] * (p[j] + keep * (x[j] - gamma * p[j])), 0));
  return { at, shares };
}

const effectiveNumber = (shares) => Math.exp(-shares.reduce((sum, w) => sum + (w > 0 ? w * Math.log(w) : 0), 0));

// Paths from noise to data: deterministic, or with the fresh noise of ancestral steps.
function runPaths(points, { steps, schedule, fresh, width }, { paths, seed }) {
  const law = PATH_SCHEDULES[schedule], times = evenTimes(law, steps), uniform = uniformStream(seed), draw = () => normalFrom(uniform);
  const amplitudesAt = times.map((t) => ({ gamma: law.gamma(t), sigma: law.sigma(t) }));
  let now = Array.from({ length: paths }, () => [0, 1].map(() => amplitudesAt[0].sigma * draw()));
  const states = [now], numbers = [];
  for (let k = 0; k < steps; k++) {
    let sum = 0;
    now = now.map((x) => {
      const { at, shares } = bestGuess(x, points, amplitudesAt[k], width);
      sum += effectiveNumber(shares);
      return at.map((guess, j) => ddimBack(x[j], times[k], times[k + 1], { schedule: law, denoise: () => guess, churn: fresh ? 1 : 0, draw }));
    });
    states.push(now);
    numbers.push(sum / paths);
  }
  return { states, numbers, amplitudesAt };
}

const chosen = (params) => Array.from({ length: params.count }, (_, i) => params[`p${i + 1}`]);

function nearestOf(x, points) {
  const distances = points.map((p) => Math.hypot(x[0] - p[0], x[1] - p[1])), distance = Math.min(...distances);
  return { distance, index: distances.indexOf(distance) };
}

function planePanel({ states, amplitudesAt }, shown) {
  const scale = amplitudesAt.map(({ gamma, sigma }) => Math.hypot(gamma, sigma)), last = states[shown];
  const lines = last.map((_, j) => {
    const [x, y] = [0, 1].map((c) => states.slice(0, shown + 1).map((row, k) => row[j][c] / scale[k]));
    return { type: "line", x, y, color: 1, width: 1 };
  });
  return {
    xlabel: "x₁", ylabel: "x₂", xlim: [-VIEW, VIEW], ylim: [-VIEW, VIEW], equal: true,
    series: [...lines, { type: "points", x: last.map((p) => p[0] / scale[shown]), y: last.map((p) => p[1] / scale[shown]), r: 3, color: 3 }],
  };
}

function numberPanel({ numbers, amplitudesAt }, shown, count) {
  const x = numbers.map((_, k) => 2 * Math.log(amplitudesAt[k].gamma / amplitudesAt[k].sigma)), clipped = x.map((v) => Math.max(-9, Math.min(9, v)));
  return {
    xlabel: "log SNR, from noise to data", ylabel: "data among which a path hesitates", xlim: [-9.3, 9.3], ylim: [0.8, Math.max(2, count) + 0.3],
    series: [
      { type: "line", x: clipped, y: numbers, color: "muted", width: 1.5 },
      { type: "points", x: clipped.slice(0, shown), y: numbers.slice(0, shown), r: 3, color: 1 },
    ],
  };
}

function compute(params, data) {
  const points = chosen(params), run = runPaths(points, params, data), shown = Math.round(params.progress * params.steps);
  const ends = run.states[params.steps].map((x) => nearestOf(x, points)), near = ends.filter(({ distance }) => distance <= NEAR);
  const hidden = Array.from({ length: LARGEST - params.count }, (_, i) => [`p${params.count + 1 + i}`, null]);
  return {
    panels: [planePanel(run, shown), numberPanel(run, shown, params.count)],
    points: Object.fromEntries(hidden),
    readouts: [
      ["paths that end within 0.05 of a datum", `${near.length} of ${ends.length}`],
      ["data that are met", `${new Set(near.map(({ index }) => index)).size} of ${params.count}`],
      ["farthest end from a datum", format(Math.max(...ends.map(({ distance }) => distance)), 2)],
      ["guesses for each path", String(params.steps)],
    ],
  };
}

const actions = { copies: () => ({ width: 0, steps: 40, progress: 1 }), smooth: () => ({ width: 0.35, steps: 40, progress: 1 }) };

export default computedPlot({ compute, actions });
