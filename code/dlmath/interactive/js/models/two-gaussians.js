import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { zeroLine } from "./contour.js";

const TURNS = Array.from({ length: 73 }, (_, i) => (i * Math.PI) / 36);
const BOUNDARY_STEPS = 60, ERROR_STEPS = 160, ALONG = 121;
const percent = (value) => `${(100 * value).toFixed(1)} %`;

// A covariance [[a, c], [c, b]] is kept as [a, b, c].
const shape = (sd, correlation) => [sd * sd, sd * sd, correlation * sd * sd];
const logExpit = (u) => -Math.max(-u, 0) - Math.log1p(Math.exp(-Math.abs(u)));
const expit = (u) => Math.exp(logExpit(u));

function logGaussian([x, y], [m1, m2], [a, b, c]) {
  const det = a * b - c * c, u = x - m1, v = y - m2;
  return -0.5 * ((b * u * u - 2 * c * u * v + a * v * v) / det + Math.log(det)) - Math.log(2 * Math.PI);
}

// What each model makes of the two classes when it has seen infinitely many samples.
function modelled(covariances, prior, name) {
  const [S0, S1] = covariances;
  const pooled = S0.map((value, i) => (1 - prior) * value + prior * S1[i]);
  if (name.startsWith("LDA")) return [pooled, pooled];
  if (name.startsWith("QDA")) return covariances;
  return covariances.map(([a, b]) => [a, b, 0]);
}

function classify({ mean0, mean1, sd, tilt0, tilt1, prior, model }) {
  const means = [mean0, mean1], truth = [shape(1, tilt0), shape(sd, tilt1)];
  const fitted = modelled(truth, prior, model);
  const odds = Math.log(prior / (1 - prior));
  const logit = (S) => (x, y) => odds + logGaussian([x, y], mean1, S[1]) - logGaussian([x, y], mean0, S[0]);
  const joint = (k, x, y) => (k ? prior : 1 - prior) * Math.exp(logGaussian([x, y], means[k], truth[k]));
  return { means, truth, fitted, logit: logit(fitted), best: logit(truth), joint };
}

// The share of wrong answers of a rule, by the midpoint rule on a square that holds both classes.
function errorOf(rules, joint, reach) {
  const width = (2 * reach) / ERROR_STEPS, wrong = rules.map(() => 0);
  for (let i = 0; i < ERROR_STEPS; i++) {
    for (let j = 0; j < ERROR_STEPS; j++) {
      const x = -reach + (i + 0.5) * width, y = -reach + (j + 0.5) * width;
      const mass = [joint(0, x, y), joint(1, x, y)];
      rules.forEach((rule, k) => { wrong[k] += mass[rule(x, y) > 0 ? 0 : 1]; });
    }
  }
  return wrong.map((sum) => sum * width * width);
}

function factor([a, b, c]) {
  const l = Math.sqrt(a);
  return [l, c / l, Math.sqrt(b - (c / l) ** 2)];
}

function transformed(points, mean, S) {
  const [l11, l21, l22] = factor(S);
  return { x: points.map(([u]) => mean[0] + l11 * u), y: points.map(([u, v]) => mean[1] + l21 * u + l22 * v) };
}

const ring = (radius) => TURNS.map((t) => [radius * Math.cos(t), radius * Math.sin(t)]);

function planePanel({ samples, prior }, state, { limit, noise, uniform }) {
  const limits = [-limit, limit];
  const series = [];
  if (samples) {
    [0, 1].forEach((k) => {
      const own = noise.filter((_, i) => (uniform[i] < prior ? 1 : 0) === k);
      const colour = k ? 2 : 1;
      series.push({ type: "points", ...transformed(own, state.means[k], state.fitted[k]), color: colour, r: 2.75, hollow: true });
    });
  }
  [0, 1].forEach((k) => {
    const colour = k ? 2 : 1;
    for (const radius of [1, 2]) {
      series.push({ type: "line", ...transformed(ring(radius), state.means[k], state.truth[k]), color: "muted", width: 1.25, dash: "2 4" });
      series.push({ type: "line", ...transformed(ring(radius), state.means[k], state.fitted[k]), color: colour, width: 1.75 });
    }
  });
  series.push({ type: "line", ...zeroLine(state.best, limits, BOUNDARY_STEPS), color: "muted", width: 1.25 });
  series.push({ type: "line", ...zeroLine(state.logit, limits, BOUNDARY_STEPS), color: "ink", width: 2.25 });
  [0, 1].forEach((k) => series.push({ type: "text", x: state.means[k][0], y: state.means[k][1], dx: 10, dy: -10, text: `class ${k}`, color: k ? 2 : 1 }));
  return { xlabel: "x₁", ylabel: "x₂", xlim: limits, ylim: limits, equal: true, series };
}

function alongPanel(state, { limit }) {
  const [m0, m1] = state.means;
  const length = Math.max(1e-9, Math.hypot(m1[0] - m0[0], m1[1] - m0[1]));
  const unit = [(m1[0] - m0[0]) / length, (m1[1] - m0[1]) / length];
  const centre = [(m0[0] + m1[0]) / 2, (m0[1] + m1[1]) / 2];
  const at = Array.from({ length: ALONG }, (_, i) => limit * ((2 * i) / (ALONG - 1) - 1));
  const along = (rule) => at.map((u) => expit(rule(centre[0] + u * unit[0], centre[1] + u * unit[1])));
  const names = [["— the model", "ink"], ["- - the truth", "muted"]];
  return {
    xlabel: "along the line through both means", ylabel: "probability of class 1", xlim: [-limit, limit], ylim: [-0.05, 1.05],
    series: [
      ...[-1, 1].map((side) => ({ type: "line", x: [(side * length) / 2, (side * length) / 2], y: [-0.05, 1.05], color: side < 0 ? 1 : 2, width: 1.5 })),
      { type: "line", x: at, y: along(state.best), color: "muted", width: 1.75, dash: "5 4" },
      { type: "line", x: at, y: along(state.logit), color: "ink", width: 2.25 },
      ...keys(names, limit, 1.05),
    ],
  };
}

function compute(params, data) {
  const state = classify(params);
  const [error, best] = errorOf([state.logit, state.best], state.joint, data.reach);
  return {
    panels: [planePanel(params, state, data), alongPanel(state, data)],
    readouts: [
      ["wrong answers of this model", percent(error)],
      ["of the best rule", percent(best)],
      ["when the larger class is always guessed", percent(Math.min(params.prior, 1 - params.prior))],
    ],
  };
}

export default computedPlot({ compute });
