import { himmelblau, rosenbrock } from "./valleys.js";

// Costs of two parameters x on which optimisers go down. Each has its gradient, its Hessian as
// [[h11, h12], [h12, h22]], its least value and where it is taken, the box that is looked at, the
// start and learning rate with which one begins, a size of noise, and the excess over the least
// value below which no more contours are drawn.

function turned([x, y], degrees) {
  const c = Math.cos((degrees * Math.PI) / 180), s = Math.sin((degrees * Math.PI) / 180);
  return [c * x - s * y, s * x + c * y];
}

// x^T H x / 2 with the eigenvalues 1, along a direction turned by an angle, and kappa.
function quadraticSurface({ kappa, angle }) {
  const [c, s] = turned([1, 0], angle);
  const h = [[c * c + kappa * s * s, (1 - kappa) * c * s], [(1 - kappa) * c * s, s * s + kappa * c * c]];
  const times = (x) => [h[0][0] * x[0] + h[0][1] * x[1], h[0][1] * x[0] + h[1][1] * x[1]];
  return {
    cost: (x) => { const g = times(x); return (x[0] * g[0] + x[1] * g[1]) / 2; },
    gradient: times, hessian: () => h, least: 0, minima: [[0, 0]],
    start: turned([2, 2], angle), eta: 1 / kappa, noise: 1, soft: 0.02,
    xlim: [-3, 3], ylim: [-3, 3],
  };
}

const rosenbrockSurface = () => ({
  cost: rosenbrock.f, gradient: rosenbrock.g,
  hessian: ([x, y]) => [[2 + 1200 * x * x - 400 * y, -400 * x], [-400 * x, 200]],
  least: 0, minima: [[1, 1]], start: [-1.2, 1], eta: 1e-3, noise: 10, soft: 0.05,
  xlim: [-2, 2], ylim: [-1, 3],
});

const himmelblauSurface = () => ({
  cost: himmelblau.f, gradient: himmelblau.g, hessian: himmelblau.h,
  least: 0,
  minima: [[3, 2], [-2.805118, 3.131313], [-3.77931, -3.283186], [3.584428, -1.848127]],
  start: [-0.5, -1.5], eta: 1e-2, noise: 10, soft: 3,
  xlim: [-5.5, 5.5], ylim: [-5.5, 5.5],
});

// A saddle at the origin between two minima.
const saddleSurface = () => ({
  cost: ([x, y]) => x * x / 2 - y * y / 2 + y ** 4 / 4,
  gradient: ([x, y]) => [x, y ** 3 - y],
  hessian: ([, y]) => [[1, 0], [0, 3 * y * y - 1]],
  least: -0.25, minima: [[0, 1], [0, -1]], start: [1.5, 0.001], eta: 0.1, noise: 0.1, soft: 0.05,
  xlim: [-2, 2], ylim: [-1.8, 1.8],
});

// One neuron, 1 / (1 + exp(-w x - b)), with the mean squared error on data (x, y).
function neuronSurface(settings, { x: at, y, minimum }) {
  const n = at.length;
  const logistic = (z) => 1 / (1 + Math.exp(-z));
  const cost = ([w, b]) => at.reduce((sum, xi, i) => sum + (logistic(w * xi + b) - y[i]) ** 2, 0) / n;
  return {
    cost,
    gradient([w, b]) {
      let gw = 0, gb = 0;
      for (let i = 0; i < n; i++) {
        const p = logistic(w * at[i] + b), slope = (2 / n) * (p - y[i]) * p * (1 - p);
        gw += slope * at[i];
        gb += slope;
      }
      return [gw, gb];
    },
    hessian([w, b]) {
      const h = [0, 0, 0];
      for (let i = 0; i < n; i++) {
        const p = logistic(w * at[i] + b), q = p * (1 - p), bend = (2 / n) * q * (q + (p - y[i]) * (1 - 2 * p));
        h[0] += bend * at[i] * at[i];
        h[1] += bend * at[i];
        h[2] += bend;
      }
      return [[h[0], h[1]], [h[1], h[2]]];
    },
    least: cost(minimum), minima: [minimum], start: [-3, 3], labels: ["weight w", "bias b"], eta: 1, noise: 0.02, soft: 0.003,
    xlim: [-6, 14], ylim: [-16, 6],
  };
}

const SURFACES = {
  quadratic: { name: "quadratic", make: quadraticSurface },
  rosenbrock: { name: "Rosenbrock's valley", make: rosenbrockSurface },
  himmelblau: { name: "four minima (Himmelblau)", make: himmelblauSurface },
  saddle: { name: "a saddle", make: saddleSurface },
  neuron: { name: "one neuron, nuclear data", make: neuronSurface },
};
