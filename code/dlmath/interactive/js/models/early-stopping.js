import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { filtered, polynomialCurve, ridgeFactors, spaced, spacedLog, total } from "./rotated.js";

const BOUND = 1.2985;
const RATIOS = [0.25, 4];

// Gradient descent with eta = 1/L, L = 2 d_1^2/n: after k steps 1 - (1 - (d/d_1)^2)^k is found.
function descentFactors(d, k, largest) {
  return d.map((dj) => -Math.expm1(k * Math.log1p(-((dj / largest) ** 2))));
}

// eta = n / (2 d_1^2), so that lambda = 1/(2 eta k) is d_1^2 / (n k).
function match({ k }, { n, free }) {
  return { lambda: free.d[0] ** 2 / (n * k) };
}

const percent = (share) => `${format(100 * share)} %`;
const norm = (values) => Math.hypot(...values);
const apart = (a, b) => norm(a.map((ai, i) => ai - b[i])) / norm(b);

function compare({ k, lambda }, { n, free }) {
  const { d, uy } = free;
  const descent = descentFactors(d, k, d[0]), ridge = ridgeFactors(d, n * lambda);
  const [thetaDescent, thetaRidge] = [descent, ridge].map((factors) => filtered(factors, free));
  const fitted = (factors) => factors.map((f, j) => f * uy[j]);
  return {
    descent, ridge, thetaDescent, thetaRidge,
    ratios: descent.map((f, j) => f / ridge[j]),
    dof: [descent, ridge].map((factors) => 1 + total(factors)),
    coefficientsApart: apart(thetaDescent, thetaRidge),
    curvesApart: apart(fitted(descent), fitted(ridge)),
  };
}

function fitPanel({ thetaDescent, thetaRidge }, data) {
  const { free, interval, range, points, x, y, xlabel, ylabel, ylim } = data;
  const at = spaced(...interval, points);
  const line = (theta, more) => ({ type: "line", x: at, y: at.map(polynomialCurve(theta, free, data)), ...more });
  return {
    xlabel, ylabel, xlim: range, ylim,
    series: [
      line(filtered(free.d.map(() => 1), free), { color: "muted", width: 1.5, dash: "2 4" }),
      line(thetaDescent, { color: 1, width: 2.5 }),
      line(thetaRidge, { color: 2, width: 2, dash: "6 4" }),
      { type: "points", x, y, color: "ink", r: 3 },
      ...keys([["— descent", 1], ["- - ridge", 2], ["· · least squares", "muted"]], range[1], ylim[1]),
    ],
  };
}

function filterPanels({ k, lambda }, state, { n, free: { d }, singularLimits }) {
  const axis = spacedLog(...singularLimits, 161);
  const frame = { xlabel: "singular value d", xscale: "log", xlim: singularLimits };
  const inside = axis.filter((at) => at <= d[0]);
  const descent = descentFactors(inside, k, d[0]), ridge = ridgeFactors(axis, n * lambda);
  const low = Math.min(...state.ratios), high = Math.max(...state.ratios);
  const beyond = [];
  if (high > RATIOS[1]) beyond.push({ type: "text", x: singularLimits[0], y: RATIOS[1], dx: 6, dy: 14, text: `↑ up to ${format(high)}`, color: "muted" });
  if (low < RATIOS[0]) beyond.push({ type: "text", x: singularLimits[0], y: RATIOS[0], dx: 6, dy: -8, text: `↓ down to ${format(low)}`, color: "muted" });
  return [
    {
      ...frame, ylabel: "filter factor", ylim: [-0.05, 1.12],
      series: [
        { type: "line", x: inside, y: descent, color: 1 },
        { type: "line", x: axis, y: ridge, color: 2, dash: "6 4" },
        { type: "points", x: d, y: state.ridge, color: 2, r: 4, hollow: true },
        { type: "points", x: d, y: state.descent, color: 1, r: 4 },
      ],
    },
    {
      ...frame, ylabel: "descent / ridge", yscale: "log", ylim: RATIOS,
      series: [
        { type: "band", x: singularLimits, low: [1, 1], high: [BOUND, BOUND], color: 3 },
        { type: "line", x: inside, y: descent.map((f, i) => f / ridge[i]), color: "ink", width: 1.5 },
        { type: "points", x: d, y: state.ratios, color: "ink", r: 4 },
        ...beyond,
        ...keys([["▬ 1 to 1.2985", 3]], singularLimits[1], RATIOS[1]),
      ],
    },
  ];
}

function compute(params, data) {
  const state = compare(params, data);
  const matched = Math.abs(params.lambda / match(params, data).lambda - 1) < 1e-9;
  const low = Math.min(...state.ratios), high = Math.max(...state.ratios);
  return {
    panels: [fitPanel(state, data), ...filterPanels(params, state, data)],
    readouts: [
      ["1/(2ηk)", format(match(params, data).lambda)],
      ["degrees of freedom", `${format(state.dof[0])} (descent), ${format(state.dof[1])} (ridge)`],
      ["ratio of filters", `${format(low)} to ${format(high)}`],
      ["coefficients differ by", percent(state.coefficientsApart)],
      ["curves differ by", percent(state.curvesApart)],
    ],
    message: matched ? "the penalty matches the steps" : undefined,
  };
}

export default computedPlot({ compute, actions: { match } });
