import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

// Deep linear networks: the strengths of their modes, exact under gradient flow and measured on
// matrices that descend. Matrices are flat, of m rows and columns.
const MODES = 4, POINTS = 241, STEPS = 2400, MARKS = 20, LONGEST = 400;

// The strength of each mode in the data: 1, r, r^2, ...
const spectrum = (ratio) => Array.from({ length: MODES }, (_, j) => ratio ** j);

// da/dtau = 2 a^(N-1) (s - a^N) for the logarithm of a, by Runge and Kutta's method; one layer
// is an exponential.
function exactMode(s, start, depth, times) {
  if (depth === 1) return times.map((time) => s + (start - s) * Math.exp(-2 * time));
  const rate = (u) => 2 * Math.exp((depth - 2) * u) * (s - Math.exp(depth * u));
  let u = Math.log(start) / depth, now = 0;
  return times.map((time) => {
    const count = Math.max(1, Math.ceil((time - now) * 2 * depth * 5)), h = (time - now) / count;
    for (let k = 0; k < count; k++) {
      const a = rate(u), b = rate(u + (h * a) / 2), c = rate(u + (h * b) / 2), d = rate(u + h * c);
      u += (h * (a + 2 * b + 2 * c + d)) / 6;
    }
    now = time;
    return Math.exp(depth * u);
  });
}

// The time at which a mode has reached a share: the integral over log p, by Simpson's rule.
function timeTo(share, s, start, depth) {
  const low = Math.log(start), high = Math.log(share * s), count = 400, h = (high - low) / count;
  if (!(high > low)) return 0;
  const value = (u) => Math.exp((2 / depth - 1) * u) / (2 * depth * (s - Math.exp(u)));
  let sum = value(low) + value(high);
  for (let k = 1; k < count; k++) sum += (k % 2 ? 4 : 2) * value(low + k * h);
  return (sum * h) / 3;
}

function product(A, B, m) {
  const C = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let k = 0; k < m; k++) {
    const a = A[i * m + k];
    if (a !== 0) for (let j = 0; j < m; j++) C[i * m + j] += a * B[k * m + j];
  }
  return C;
}

function turned(A, m) {
  const T = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) T[j * m + i] = A[i * m + j];
  return T;
}

// One step on ||W^1 ... W^N - diag(s)||^2.
function factorStep(factors, s, eta) {
  const m = s.length, before = [null], after = [null];
  factors.forEach((W, l) => before.push(l ? product(before[l], W, m) : W));
  [...factors].reverse().forEach((W, l) => after.push(l ? product(W, after[l], m) : W));
  const D = before.at(-1).map((p, i) => 2 * (p - (i % (m + 1) ? 0 : s[i / (m + 1)])));
  return factors.map((W, l) => {
    let G = D;
    if (l) G = product(turned(before[l], m), G, m);
    if (l < factors.length - 1) G = product(G, turned(after[factors.length - 1 - l], m), m);
    return W.map((w, i) => w - eta * G[i]);
  });
}

// The diagonal of the product, now and then on the way.
function descendFactors(factors, s, eta, steps, every) {
  const m = s.length, record = [];
  for (let k = 0; k <= steps; k++) {
    if (k % every === 0) {
      const P = factors.slice(1).reduce((left, W) => product(left, W, m), factors[0]);
      record.push(s.map((_, j) => P[j * (m + 1)]));
    }
    factors = factorStep(factors, s, eta);
  }
  return record;
}

// Layers of one strength: multiples of the identity, or of random matrices.
function startFactors({ depth, start, random }, draws) {
  const a = start ** (1 / depth);
  return Array.from({ length: depth }, (_, l) => Float64Array.from({ length: MODES * MODES }, (_, i) => a * (random ? draws[l][i] : Number(i % (MODES + 1) === 0))));
}

function solve({ depth, start, ratio, random }, draws) {
  const s = spectrum(ratio), at = s.map((sj) => timeTo(0.5, sj, start, depth));
  const horizon = Math.min(LONGEST, 1.15 * timeTo(0.97, s.at(-1), start, depth));
  const times = Array.from({ length: POINTS }, (_, i) => (horizon * i) / (POINTS - 1));
  const exact = s.map((sj) => exactMode(sj, start, depth, times));
  // Never beyond a tenth of the last stable rate, 1/N for the strongest mode.
  const steps = Math.max(STEPS, Math.ceil((horizon * depth * 10) / MARKS) * MARKS), eta = horizon / steps, every = steps / MARKS;
  const found = descendFactors(startFactors({ depth, start, random }, draws), s, eta, steps, every);
  return { s, at, times, exact, eta, steps, found, marks: found.map((_, i) => i * every * eta) };
}

function compute(params, data) {
  const { s, at, times, exact, eta, steps, found, marks } = solve(params, data.draws);
  const end = times.at(-1), total = s.reduce((sum, sj) => sum + sj * sj, 0);
  const cost = times.map((_, i) => s.reduce((sum, sj, j) => sum + (sj - exact[j][i]) ** 2, 0) / total);
  const colours = [1, 2, 3, 4];
  const strengths = s.flatMap((sj, j) => [
    { type: "line", x: times, y: exact[j], color: colours[j], width: 2 },
    { type: "points", x: marks, y: found.map((row) => row[j]), color: colours[j], r: 3.5, hollow: true },
  ]);
  return {
    panels: [
      { xlabel: "time τ = ηk", ylabel: "strength of the modes", xlim: [0, end], ylim: [-0.03, 1.08], series: strengths },
      {
        xlabel: "time τ = ηk", ylabel: "cost, in units of its start at zero", xlim: [0, end], ylim: [0, 1.08],
        series: [
          ...at.filter((time) => time < end).map((time, j) => ({ type: "line", x: [time, time], y: [0, 1.08], color: colours[j], width: 1.25, dash: "2 4" })),
          { type: "line", x: times, y: cost, color: "ink", width: 2 },
        ],
      },
    ],
    readouts: [
      ["on at τ", at.map((time) => format(time)).join(", ")],
      ["last over first", at.every((time) => time > 0) ? format(at.at(-1) / at[0]) : "–"],
      ["steps k, with η", `${steps}, ${format(eta)}`],
    ],
  };
}

export default computedPlot({ compute });
