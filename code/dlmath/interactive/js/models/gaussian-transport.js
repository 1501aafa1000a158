import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { zeroLine } from "./contour.js";

const TURNS = Array.from({ length: 73 }, (_, i) => (i * Math.PI) / 36);
const CARRIED = 12, STOPS = [0, 0.25, 0.5, 0.75, 1], STEPS = 48, LEVELS = [0.15, 0.35, 0.55, 0.75, 0.92];

// A symmetric matrix [[a, c], [c, b]] is kept as [a, b, c].
const trace = ([a, b]) => a + b;
const det = ([a, b, c]) => a * b - c * c;
const inverse = (S) => [S[1] / det(S), S[0] / det(S), -S[2] / det(S)];

function covariance(elongation, degrees) {
  const t = (degrees * Math.PI) / 180, [u, v] = [Math.cos(t), Math.sin(t)];
  const [long, short] = [elongation ** 2, elongation ** -2];
  return [long * u * u + short * v * v, long * v * v + short * u * u, (long - short) * u * v];
}

// The square root of a positive definite matrix, by the theorem of Cayley and Hamilton.
function root(S) {
  const d = Math.sqrt(det(S)), t = Math.sqrt(trace(S) + 2 * d);
  return [(S[0] + d) / t, (S[1] + d) / t, S[2] / t];
}

// B S B for symmetric B and S.
function squeezed(B, S) {
  const [a, b, c] = B, [p, q, r] = S;
  const x = a * p + c * r, y = a * r + c * q, z = c * p + b * r, w = c * r + b * q;
  return [x * a + y * c, z * c + w * b, x * c + y * b];
}

function optimalMap(S0, S1) {
  const half = root(S0);
  return squeezed(inverse(half), root(squeezed(half, S1)));
}

function wasserstein(m0, S0, m1, S1) {
  const means = (m1[0] - m0[0]) ** 2 + (m1[1] - m0[1]) ** 2;
  const shapes = trace(S0) + trace(S1) - 2 * trace(root(squeezed(root(S0), S1)));
  return { means, shapes: Math.max(0, shapes), distance: Math.sqrt(means + Math.max(0, shapes)) };
}

function divergence(m0, S0, m1, S1) {
  const P = inverse(S1), u = m1[0] - m0[0], v = m1[1] - m0[1];
  const inside = P[0] * S0[0] + P[1] * S0[1] + 2 * P[2] * S0[2];
  const shift = P[0] * u * u + P[1] * v * v + 2 * P[2] * u * v;
  return 0.5 * (inside - 2 + shift + Math.log(det(S1) / det(S0)));
}

// The law on the way: every point has gone the share s of its straight line.
function between({ mean0, mean1 }, { S0, A }, s) {
  const B = [1 - s + s * A[0], 1 - s + s * A[1], s * A[2]];
  return { mean: mean0.map((m, i) => (1 - s) * m + s * mean1[i]), S: squeezed(B, S0), B };
}

function stateOf(params) {
  const S0 = covariance(params.long0, params.turn0), S1 = covariance(params.long1, params.turn1);
  const A = optimalMap(S0, S1);
  return { S0, S1, A, w: wasserstein(params.mean0, S0, params.mean1, S1), kl: divergence(params.mean0, S0, params.mean1, S1) };
}

function ellipse(mean, S, radius = 1) {
  const R = root(S);
  return {
    x: TURNS.map((t) => mean[0] + radius * (R[0] * Math.cos(t) + R[2] * Math.sin(t))),
    y: TURNS.map((t) => mean[1] + radius * (R[2] * Math.cos(t) + R[1] * Math.sin(t))),
  };
}

function carried(params, state) {
  const R = root(state.S0), { B } = between(params, state, params.s), { A } = state;
  return Array.from({ length: CARRIED }, (_, i) => {
    const t = (2 * Math.PI * i) / CARRIED, u = R[0] * Math.cos(t) + R[2] * Math.sin(t), v = R[2] * Math.cos(t) + R[1] * Math.sin(t);
    const moved = (M, m) => [m[0] + M[0] * u + M[2] * v, m[1] + M[2] * u + M[1] * v];
    const centre = params.mean0.map((m, k) => (1 - params.s) * m + params.s * params.mean1[k]);
    return { from: moved([1, 1, 0], params.mean0), here: moved(B, centre), to: moved(A, params.mean1) };
  });
}

function transportPanel(params, state, { limit }) {
  const dots = carried(params, state), here = between(params, state, params.s);
  const limits = [-limit, limit];
  return {
    xlabel: "x₁, mass moved along straight lines", ylabel: "x₂", xlim: limits, ylim: limits, equal: true,
    series: [
      ...dots.map(({ from, to }) => ({ type: "line", x: [from[0], to[0]], y: [from[1], to[1]], color: "muted", width: 1 })),
      ...STOPS.map((s) => {
        const { mean, S } = between(params, state, s);
        return { type: "line", ...ellipse(mean, S), color: s === 0 ? 1 : s === 1 ? 2 : "muted", width: s % 1 ? 1 : 2.25 };
      }),
      { type: "line", ...ellipse(here.mean, here.S), color: "ink", width: 2.5 },
      { type: "points", x: dots.map((d) => d.here[0]), y: dots.map((d) => d.here[1]), color: "ink", r: 3 },
      ...keys([["— p", 1], ["— q", 2], ["— on the way", "ink"]], limit, limit),
    ],
  };
}

function density([x, y], mean, S) {
  const P = inverse(S), u = x - mean[0], v = y - mean[1];
  return Math.exp(-0.5 * (P[0] * u * u + P[1] * v * v + 2 * P[2] * u * v)) / (2 * Math.PI * Math.sqrt(det(S)));
}

function mixturePanel({ s, mean0, mean1 }, { S0, S1 }, { limit }) {
  const mixed = (x, y) => (1 - s) * density([x, y], mean0, S0) + s * density([x, y], mean1, S1);
  const at = Array.from({ length: STEPS + 1 }, (_, i) => limit * ((2 * i) / STEPS - 1));
  const table = at.map((y) => at.map((x) => mixed(x, y))), top = Math.max(mixed(...mean0), mixed(...mean1));
  const node = (x) => Math.round(((x / limit + 1) * STEPS) / 2);
  const limits = [-limit, limit];
  return {
    xlabel: "x₁, densities averaged", ylabel: "x₂", xlim: limits, ylim: limits, equal: true,
    series: [
      ...LEVELS.map((level) => ({
        type: "line", ...zeroLine((x, y) => table[node(y)][node(x)] - level * top, limits, STEPS), color: "ink", width: 1.5,
      })),
      { type: "line", ...ellipse(mean0, S0), color: 1, width: 1.5, dash: "3 4" },
      { type: "line", ...ellipse(mean1, S1), color: 2, width: 1.5, dash: "3 4" },
    ],
  };
}

function compute(params, data) {
  const state = stateOf(params), { w, kl } = state;
  const here = between(params, state, params.s);
  const gone = wasserstein(params.mean0, state.S0, here.mean, here.S).distance;
  return {
    panels: [transportPanel(params, state, data), mixturePanel(params, state, data)],
    readouts: [
      ["W₂(p, q)", format(w.distance)],
      ["its square, from the means", format(w.means)],
      ["its square, from the shapes", format(w.shapes)],
      ["W₂ from p to here", format(gone)],
      ["KL of p from q", format(kl)],
    ],
  };
}

export default computedPlot({ compute });
