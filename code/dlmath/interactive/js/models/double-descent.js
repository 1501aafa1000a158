import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream, normalVector } from "./lehmer.js";

const NO_PENALTY = "none (minimum norm)", FIXED = "the same for all p", BEST = "the best for each p";

// The exact mean over designs and noise, of the theorem.
function minimumNormRisk(n, p, s, r) {
  const noise = s > 0 ? (s * s * Math.min(n, p)) / Math.max(0, Math.abs(n - p) - 1) : 0;
  return r * r * Math.max(0, 1 - n / p) + noise;
}

// Ridge for many samples, gamma features a sample: m is the positive root of gamma lam m^2 + b m = 1.
function ridgeRiskLimit(gamma, lam, s, r) {
  const b = 1 - gamma + lam, root = Math.sqrt(b * b + 4 * gamma * lam);
  const m = b > 0 ? 2 / (b + root) : (root - b) / (2 * gamma * lam);
  const slope = (m * (gamma * m + 1)) / root;
  return (lam * r) ** 2 * slope + s * s * gamma * (m - lam * slope);
}

const bestPenalty = (n, p, s, r) => (s * s * p) / (n * r * r);

// Solves (A + shift I) z = b for a positive matrix, by a Cholesky factor in place.
function solvePositive(A, b, shift) {
  const m = b.length, L = A.map((row) => Float64Array.from(row)), z = Float64Array.from(b);
  for (let j = 0; j < m; j++) {
    const row = L[j];
    let d = row[j] + shift;
    for (let k = 0; k < j; k++) d -= row[k] * row[k];
    row[j] = Math.sqrt(Math.max(d, 1e-300));
    for (let i = j + 1; i < m; i++) {
      let v = L[i][j];
      for (let k = 0; k < j; k++) v -= L[i][k] * row[k];
      L[i][j] = v / row[j];
    }
  }
  for (let i = 0; i < m; i++) { for (let k = 0; k < i; k++) z[i] -= L[i][k] * z[k]; z[i] /= L[i][i]; }
  for (let i = m - 1; i >= 0; i--) { for (let k = i + 1; k < m; k++) z[i] -= L[k][i] * z[k]; z[i] /= L[i][i]; }
  return z;
}

const dot = (u, v) => { let sum = 0; for (let i = 0; i < u.length; i++) sum += u[i] * v[i]; return sum; };

// The squared distance of the estimate from the truth, whose p entries are r / sqrt(p).
function excessRisk(columns, noise, p, s, r, nLambda) {
  const X = columns.slice(0, p), n = noise.length, entry = r / Math.sqrt(p);
  const y = noise.map((e, i) => { let sum = s * e; for (const column of X) sum += entry * column[i]; return sum; });
  let theta;
  if (p <= n) {
    theta = solvePositive(X.map((u) => X.map((v) => dot(u, v))), X.map((u) => dot(u, y)), nLambda);
  } else {
    const rows = Array.from({ length: n }, (_, i) => Float64Array.from(X, (column) => column[i]));
    const dual = solvePositive(rows.map((u) => rows.map((v) => dot(u, v))), y, nLambda);
    theta = X.map((column) => dot(column, dual));
  }
  return theta.reduce((sum, t) => sum + (t - entry) ** 2, 0);
}

// From one experiment to the next new columns and new noise; within one, p takes its first columns.
function experiments({ n, s, r, lambda, penalty, draw }, { ratios, repeats }) {
  const ps = [...new Set(ratios.map((ratio) => Math.max(1, Math.round(ratio * n))))];
  const most = ps[ps.length - 1];
  const runs = Array.from({ length: repeats }, (_, k) => {
    const stream = normalStream(104729 * draw + 7919 * k + 1);
    const noise = normalVector(stream, n);
    const columns = Array.from({ length: most }, () => normalVector(stream, n));
    return ps.map((p) => {
      const lam = penalty === NO_PENALTY ? 0 : penalty === FIXED ? lambda : bestPenalty(n, p, s, r);
      return excessRisk(columns, noise, p, s, r, n * lam);
    });
  });
  return { ps, runs };
}

function compute(params, data) {
  const { n, s, r, lambda, penalty } = params, { ps, runs } = experiments(params, data);
  const xlim = [0, data.ratios[data.ratios.length - 1]], top = data.top;
  const all = Array.from({ length: Math.round(xlim[1] * n) }, (_, i) => i + 1);
  const exact = all.map((p) => minimumNormRisk(n, p, s, r));
  const shown = exact.map((v) => (Number.isFinite(v) ? v : NaN));
  const penaltyAt = (p) => (penalty === FIXED ? lambda : bestPenalty(n, p, s, r));
  const x = all.map((p) => p / n), ridge = penalty !== NO_PENALTY;
  const means = ps.map((_, j) => runs.reduce((sum, run) => sum + run[j], 0) / runs.length);
  const low = data.low, inside = (v) => Math.min(Math.max(v, low), top);
  const names = [["— exact mean", 1], ["○ mean of the fits", 2], ["· one fit", "muted"]];
  if (ridge) names.unshift(["- - ridge, in the limit", 3]);
  const panel = {
    xlabel: "features per sample p/n", ylabel: "excess risk", xlim, ylim: [low, top], yscale: "log",
    series: [
      { type: "line", x: [1, 1], y: [low, top], color: "line", width: 6 },
      { type: "line", x: xlim, y: [r * r, r * r], color: "muted", width: 1.25, dash: "2 4" },
      { type: "text", x: xlim[1], y: r * r, dx: -4, dy: -6, anchor: "end", text: "r², the error of the answer zero", color: "muted" },
      ...runs.map((run) => ({ type: "points", x: ps.map((p) => p / n), y: run.map(inside), color: "muted", r: 1.75 })),
      { type: "line", x, y: shown, color: 1, width: 2.25 },
      ...(ridge ? [{ type: "line", x, y: all.map((p) => ridgeRiskLimit(p / n, penaltyAt(p), s, r)), color: 3, width: 2.25, dash: "7 4" }] : []),
      { type: "points", x: ps.map((p) => p / n), y: means.map(inside), color: 2, r: 4, hollow: true },
      ...keys(names, xlim[1], top),
    ],
  };
  const under = ps.map((p, j) => [p, means[j]]).filter(([p]) => p < n);
  const over = ps.map((p, j) => [p, means[j]]).filter(([p]) => p > n);
  const least = (pairs) => pairs.reduce((a, b) => (b[1] < a[1] ? b : a));
  const text = ([p, value]) => `${format(value)} at p = ${p}`;
  const worst = ps.map((p, j) => [p, means[j]]).reduce((a, b) => (b[1] > a[1] ? b : a));
  return {
    panels: [panel],
    readouts: [
      ["least mean with p < n", text(least(under))],
      ["largest mean", text(worst)],
      ["least mean with p > n", text(least(over))],
      ["minimum norm at p = 3n, exact", format(minimumNormRisk(n, 3 * n, s, r))],
    ],
  };
}

export default computedPlot({ compute });
