import { normalFrom } from "./lehmer.js";

// A swarm of walkers on a least-squares cost with two parameters, each with batches of its own.

// One step of every walker: B samples with replacement; with a temperature, Langevin's noise too.
function swarmStep(walkers, { X, e }, { eta, batch, temperature }, uniform) {
  const kick = Math.sqrt(2 * eta * temperature);
  for (const at of walkers) {
    let g0 = 0, g1 = 0;
    for (let b = 0; b < batch; b++) {
      const i = Math.min(X.length - 1, Math.floor(uniform() * X.length));
      const [x0, x1] = X[i], miss = x0 * at[0] + x1 * at[1] - e[i];
      g0 += miss * x0;
      g1 += miss * x1;
    }
    at[0] -= (2 * eta * g0) / batch;
    at[1] -= (2 * eta * g1) / batch;
    if (temperature > 0) {
      at[0] += kick * normalFrom(uniform);
      at[1] += kick * normalFrom(uniform);
    }
  }
}

// The covariance about the minimum, which is known: [S11, S12, S22].
function swarmCovariance(walkers) {
  const sums = [0, 0, 0];
  for (const [a, b] of walkers) { sums[0] += a * a; sums[1] += a * b; sums[2] += b * b; }
  return sums.map((sum) => sum / walkers.length);
}

// What the noise ought to make of the swarm. With [S11, S12, S22] = s the equation of the balance is
// (I - A) s = constant: the constant part of the noise, and A what a step makes of a covariance.
function predictedCovariance({ X, e }, { eta, batch, temperature }) {
  const n = X.length, H = [0, 0, 0], noise = [0, 0, 0], fourth = [0, 0, 0, 0, 0];
  X.forEach(([u, v], i) => {
    [u * u, u * v, v * v].forEach((p, j) => { H[j] += (2 * p) / n; noise[j] += (4 * p * e[i] ** 2) / n; });
    for (let j = 0; j < 5; j++) fourth[j] += (4 * u ** (4 - j) * v ** j) / n;
  });
  const grow = ([a, b, c]) => {
    const full = (p) => [[p[0], p[1]], [p[1], p[2]]], S = full([a, b, c]), h = full(H);
    const D = h.map((row, i) => row.map((value, j) => (i === j ? 1 : 0) - eta * value));
    const around = (M, i, j) => M[i][0] * (S[0][0] * M[j][0] + S[0][1] * M[j][1]) + M[i][1] * (S[1][0] * M[j][0] + S[1][1] * M[j][1]);
    return [[0, 0], [0, 1], [1, 1]].map(([i, j]) => {
      const spread = fourth[i + j] * a + 2 * fourth[i + j + 1] * b + fourth[i + j + 2] * c - around(h, i, j);
      return around(D, i, j) + ((eta * eta) / batch) * spread;
    });
  };
  const constant = noise.map((value, j) => (eta * eta * value) / batch + (j === 1 ? 0 : 2 * eta * temperature));
  const columns = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(grow);
  const matrix = [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? 1 : 0) - columns[j][i]));
  const found = solveThree(matrix, constant);
  return found[0] > 0 && found[2] > 0 && found[0] * found[2] > found[1] ** 2 ? found : null;
}

const determinant = ([a, b, c]) => a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);

// Cramer's rule.
function solveThree(matrix, right) {
  const whole = determinant(matrix);
  return [0, 1, 2].map((j) => determinant(matrix.map((row, i) => row.map((value, k) => (k === j ? right[i] : value)))) / whole);
}

const swarmAt = (start, count) => Array.from({ length: count }, () => [...start]);
