import { principal } from "./symmetric.js";

// Line search, BFGS and Newton's method as in dlmath.optimizers. A problem has f, g and, for
// Newton's method in two dimensions, h: cost, gradient and Hessian at an array.

const EPS = 2 ** -52;
const dot = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);
const plus = (a, t, b) => a.map((ai, i) => ai + t * b[i]);
const largest = (a) => Math.max(...a.map(Math.abs));
const limit = (value, low, high) => Math.min(high, Math.max(low, value));

// The minimum of the cubic through two trials; costs within rounding leave the slopes alone.
function cubicMinimum(a, b, rounding) {
  const width = b.step - a.step;
  if (Math.abs(b.cost - a.cost) <= rounding) return a.step - (width * a.slope) / (b.slope - a.slope);
  const mean = a.slope + b.slope - (3 * (b.cost - a.cost)) / width;
  const root = Math.sign(width) * Math.sqrt(mean ** 2 - a.slope * b.slope);
  return b.step - (width * (b.slope + root - mean)) / (b.slope - a.slope + 2 * root);
}

// A step that satisfies the strong Wolfe conditions: the last trial, and whether it does.
function search(along, start, first, c1 = 1e-4, c2 = 0.9, most = 30) {
  const rounding = 8 * EPS * Math.abs(start.cost);
  let low = start, high = null, step = first;
  for (let i = 0; i < most; i++) {
    const trial = along(step);
    const ceiling = Math.min(start.cost + c1 * step * start.slope, low.cost) + rounding;
    if (!(trial.cost <= ceiling && Number.isFinite(trial.slope))) high = trial;
    else if (Math.abs(trial.slope) <= -c2 * start.slope) return { end: trial, found: true };
    else if (high === null && trial.slope < 0) {
      const far = cubicMinimum(low, trial, rounding), span = trial.step - low.step;
      step = Number.isFinite(far) ? trial.step + limit(far - trial.step, span, 4 * span) : 2 * trial.step;
      low = trial;
      continue;
    } else {
      if (high === null || trial.slope * (high.step - low.step) >= 0) high = low;
      low = trial;
    }
    const width = high.step - low.step, near = cubicMinimum(low, high, rounding);
    const share = Number.isFinite(near) ? limit((near - low.step) / width, 0.1, 0.9) : 0.5;
    step = low.step + share * width;
    if (step === low.step || step === high.step) break;
  }
  return { end: low.cost < start.cost ? low : start, found: false };
}

// Walk down along direction(x, g), which update(s, y) may change. Counts are gradients spent.
function descend({ f, g }, x0, { direction, first, update = () => {} }, tol, most) {
  let count = 1, at = { x: [...x0], cost: f(x0), gradient: g(x0) };
  const path = [at.x], costs = [at.cost], counts = [1];
  let decrease = 0.5 * Math.min(Math.sqrt(dot(at.gradient, at.gradient)), dot(at.gradient, at.gradient));
  while (largest(at.gradient) > tol && path.length <= most) {
    const d = direction(at.x, at.gradient), from = { ...at, step: 0, slope: dot(at.gradient, d) };
    const along = (step) => {
      const x = plus(from.x, step, d), cost = f(x), gradient = g(x);
      count += 1;
      return { step, x, cost, gradient, slope: dot(gradient, d) };
    };
    const { end, found } = search(along, from, first(decrease, from.slope));
    if (end.step > 0) {
      update(plus(end.x, -1, from.x), plus(end.gradient, -1, from.gradient));
      decrease = from.cost - end.cost;
      at = end;
      path.push(at.x);
      costs.push(at.cost);
      counts.push(count);
    }
    if (!found) break;
  }
  return { path, costs, counts, arrived: largest(at.gradient) <= tol };
}

const asBefore = (decrease, slope) => (decrease > 0 ? Math.min(1, (2.02 * decrease) / -slope) : 1);

function steepestDescent(problem, x0, tol, most) {
  return descend(problem, x0, { direction: (x, g) => g.map((v) => -v), first: asBefore }, tol, most);
}

function bfgs(problem, x0, tol, most) {
  let H = x0.map((_, i) => x0.map((_, j) => Number(i === j)));
  const product = (v) => H.map((row) => dot(row, v));
  const update = (s, y) => {
    const sy = dot(s, y);
    if (!(sy > EPS * Math.sqrt(dot(s, s) * dot(y, y)))) return;
    const Hy = product(y), rho = 1 / sy, square = rho + rho * rho * dot(y, Hy);
    H = H.map((row, i) => row.map((h, j) => h + square * s[i] * s[j] - rho * (s[i] * Hy[j] + Hy[i] * s[j])));
  };
  return descend(problem, x0, { direction: (x, g) => product(g).map((v) => -v), first: asBefore, update }, tol, most);
}

const eigen = ([[a, b], [, d]]) => principal([a, b, d]);

// Newton's direction with the absolute values of the curvatures.
function downhill(H, g) {
  const { values, axis: [c, s] } = eigen(H);
  const sizes = values.map(Math.abs), floor = 1e-8 * (Math.max(...sizes) || 1);
  const [p, q] = [c * g[0] + s * g[1], -s * g[0] + c * g[1]].map((part, i) => -part / Math.max(sizes[i], floor));
  return [c * p - s * q, s * p + c * q];
}

function dampedNewton(problem, x0, tol, most) {
  return descend(problem, x0, { direction: (x, g) => downhill(problem.h(x), g), first: () => 1 }, tol, most);
}

// Plain Newton steps, to whatever stationary point they lead; away from 1e9 they are given up.
function plainNewton({ f, g, h }, x0, tol, most) {
  let x = [...x0], slope = g(x);
  const path = [x], costs = [f(x)], counts = [1];
  while (largest(slope) > tol && path.length <= most) {
    const [[a, b], [, d]] = h(x), det = a * d - b * b;
    x = [x[0] - (d * slope[0] - b * slope[1]) / det, x[1] - (a * slope[1] - b * slope[0]) / det];
    if (!x.every((v) => Math.abs(v) < 1e9)) return { path, costs, counts, arrived: false, lost: true };
    slope = g(x);
    path.push(x);
    costs.push(f(x));
    counts.push(counts.length + 1);
  }
  return { path, costs, counts, arrived: largest(slope) <= tol };
}
