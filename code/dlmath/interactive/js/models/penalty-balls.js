import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { constrained, excess, penalised, radiusOf } from "./penalised.js";

const WEIGHTS = { "L1 (lasso)": [1, 0], "L2 (ridge)": [0, 1], "elastic net": [1, 1] };
const STEPS = 160, RINGS = 9;
const TURN = Array.from({ length: STEPS + 1 }, (_, i) => [Math.cos((2 * Math.PI * i) / STEPS), Math.sin((2 * Math.PI * i) / STEPS)]);
const asCurve = (points) => ({ x: points.map(([x]) => x), y: points.map(([, y]) => y) });

// The level set where the cost exceeds its minimum by level.
function ellipse(m, c, level) {
  const along = Math.sqrt(level / (2 * (1 + c))), across = Math.sqrt(level / (2 * (1 - c)));
  return asCurve(TURN.map(([u, v]) => [m[0] + along * u - across * v, m[1] + along * u + across * v]));
}

function ball([w1, w2], rho) {
  const size = w1 * rho + w2 * rho * rho;
  return asCurve(TURN.map(([u, v]) => {
    const linear = w1 * (Math.abs(u) + Math.abs(v));
    const r = w2 ? (Math.sqrt(linear * linear + 4 * w2 * size) - linear) / (2 * w2) : size / linear;
    return [r * u, r * v];
  }));
}

// The minimisers as the multiplier falls from infinity to zero and the ball grows.
function solutionPath(m, c, weights) {
  const lambdas = Array.from({ length: STEPS }, (_, i) => (STEPS - i) / (i + 0.5) / 8);
  return [[0, 0], ...lambdas.map((lambda) => penalised(m, c, weights[0] * lambda, weights[1] * lambda)), m];
}

function plane({ rho, correlation, minimum }, weights, here, path, { limit }) {
  const limits = [-limit, limit];
  const rings = Array.from({ length: RINGS }, (_, i) => ellipse(minimum, correlation, (0.4 * (i + 1)) ** 2));
  const level = excess(here.theta, minimum, correlation);
  const below = minimum[1] < here.theta[1];
  return {
    xlabel: "θ₁", ylabel: "θ₂", xlim: limits, ylim: limits, equal: true,
    series: [
      ...rings.map((ring) => ({ type: "line", ...ring, color: "muted", width: 0.75 })),
      { type: "line", x: [-9, 9], y: [0, 0], color: "muted", width: 1 },
      { type: "line", x: [0, 0], y: [-9, 9], color: "muted", width: 1 },
      { type: "polygon", ...ball(weights, rho), color: 3, opacity: 0.22 },
      ...(here.idle ? [] : [{ type: "line", ...ellipse(minimum, correlation, level), color: 1, width: 2.5 }]),
      { type: "line", ...asCurve(path), color: 4, width: 2.5 },
      { type: "points", x: [here.theta[0]], y: [here.theta[1]], color: 1, r: 6 },
      { type: "text", x: minimum[0], y: minimum[1], text: "least squares", color: 2, anchor: "middle", dy: below ? 24 : -14 },
    ],
  };
}

function alongPath({ rho, minimum }, weights, here, path, { limit, rhoMax }) {
  const radii = [...path.map((theta) => radiusOf(theta, weights)), rhoMax];
  const curves = [0, 1].map((j) => [...path.map((theta) => theta[j]), minimum[j]]);
  return {
    xlabel: "radius ρ of the ball", ylabel: "coefficients", xlim: [0, rhoMax], ylim: [-limit, limit],
    series: [
      { type: "line", x: [0, rhoMax], y: [0, 0], color: "muted", width: 1 },
      { type: "line", x: [rho, rho], y: [-limit, limit], color: 3, width: 2 },
      ...curves.map((y, j) => ({ type: "line", x: radii, y, color: 4, width: 2.5, dash: j ? "7 4" : undefined })),
      { type: "points", x: [rho, rho], y: here.theta, color: 1, r: 5 },
      ...curves.map((y, j) => ({ type: "text", x: rhoMax, y: minimum[j], text: `θ${"₁₂"[j]}`, color: 4, anchor: "end", dx: -4, dy: minimum[j] < minimum[1 - j] ? 18 : -8 })),
    ],
  };
}

function compute(params, data) {
  const { rho, correlation, minimum, ball: name } = params;
  const weights = WEIGHTS[name];
  const here = constrained(minimum, correlation, weights, rho);
  const path = solutionPath(minimum, correlation, weights);
  const zero = here.theta.map((value, j) => (value === 0 ? `θ${"₁₂"[j]}` : "")).filter(Boolean);
  return {
    panels: [plane(params, weights, here, path, data), alongPath(params, weights, here, path, data)],
    readouts: [
      ...here.theta.map((value, j) => [`θ${"₁₂"[j]}`, format(value)]),
      ["exactly zero", zero.join(" and ") || "none"],
      ["cost above its minimum", format(excess(here.theta, minimum, correlation))],
      ["λ of this ball", here.idle ? "0: constraint idle" : format(here.lambda)],
    ],
  };
}

export default computedPlot({ compute });
