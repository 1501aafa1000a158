// Gaussian processes in one dimension. Matrices are arrays of rows.
const STATIONARY = {
  "RBF": (r) => Math.exp(-r * r / 2),
  "Matérn 5/2": (r) => { const a = Math.sqrt(5) * r; return (1 + a + a * a / 3) * Math.exp(-a); },
  "Matérn 3/2": (r) => { const a = Math.sqrt(3) * r; return (1 + a) * Math.exp(-a); },
  "Matérn 1/2": (r) => Math.exp(-r),
};
const dotProduct = (u, v) => u.reduce((sum, ui, i) => sum + ui * v[i], 0);

// The lower factor L of A = L L^T, or null where A is not positive definite.
function choleskyFactor(A) {
  const L = A.map(() => []);
  for (let i = 0; i < A.length; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = A[i][j];
      for (let k = 0; k < j; k++) sum -= L[i][k] * L[j][k];
      if (i > j) L[i].push(sum / L[j][j]);
      else if (sum > 0) L[i].push(Math.sqrt(sum));
      else return null;
    }
  }
  return L;
}

function forwardSolve(L, b) {
  const x = [];
  for (let i = 0; i < b.length; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= L[i][k] * x[k];
    x.push(sum / L[i][i]);
  }
  return x;
}

// Solves L^T x = b.
function backwardSolve(L, b) {
  const x = [...b];
  for (let i = b.length - 1; i >= 0; i--) {
    x[i] /= L[i][i];
    for (let k = 0; k < i; k++) x[k] -= L[i][k] * x[i];
  }
  return x;
}

function covarianceOf(x, z, { kernel, length, amplitude }) {
  const shape = STATIONARY[kernel];
  return x.map((xi) => z.map((zj) => amplitude * amplitude * shape(Math.abs(xi - zj) / length)));
}

// All that is known of the data: factor, weights, and the terms of the log marginal likelihood.
function gaussianProcess(x, y, params) {
  const K = covarianceOf(x, x, params);
  K.forEach((row, i) => { row[i] += params.noise ** 2; });
  const L = choleskyFactor(K);
  if (L === null) return null;
  const white = forwardSolve(L, y);
  const fit = -dotProduct(white, white) / 2;
  const volume = -L.reduce((sum, row, i) => sum + Math.log(row[i]), 0);
  const evidence = fit + volume - (x.length / 2) * Math.log(2 * Math.PI);
  return { L, alpha: backwardSolve(L, white), fit, volume, evidence };
}

function logEvidence(x, y, params) {
  return gaussianProcess(x, y, params)?.evidence ?? -Infinity;
}

function predictions(at, x, params, { L, alpha }) {
  return covarianceOf(at, x, params).map((row) => {
    const half = forwardSolve(L, row);
    return { mean: dotProduct(row, alpha), sd: Math.sqrt(Math.max(0, params.amplitude ** 2 - dotProduct(half, half))) };
  });
}

// Each point predicted from the others: y_i - alpha_i / q_i, with the variance 1 / q_i.
function leaveOneOut(y, { L, alpha }) {
  const diagonal = y.map((_, i) => {
    const column = forwardSolve(L, y.map((_, k) => Number(k === i)));
    return dotProduct(column, column);
  });
  return y.map((yi, i) => ({ mean: yi - alpha[i] / diagonal[i], sd: 1 / Math.sqrt(diagonal[i]) }));
}

// Uphill in the logarithms, one at a time, in steps that become smaller: to the top of this hill.
function climbEvidence(x, y, params, ranges) {
  const here = { ...params };
  let value = logEvidence(x, y, here);
  for (let step = 0.1; step > 1e-4; step /= 2) {
    for (let moved = true, rounds = 0; moved && rounds < 200; rounds++) {
      moved = false;
      for (const [name, [low, high]] of Object.entries(ranges)) {
        for (const factor of [Math.exp(step), Math.exp(-step)]) {
          const next = Math.max(low, Math.min(high, here[name] * factor));
          const found = logEvidence(x, y, { ...here, [name]: next });
          if (found > value + 1e-12) { here[name] = next; value = found; moved = true; }
        }
      }
    }
  }
  return here;
}

// Paths of the process from standard normal numbers, one for each place; then each is pulled to the
// data: f + K_* (K + s^2)^-1 (y - f(x) - e) has the distribution given the data.
function samplePaths(at, x, y, params, normals) {
  const all = [...at, ...x];
  const K = covarianceOf(all, all, params);
  K.forEach((row, i) => { row[i] += 1e-8 * params.amplitude ** 2; });
  const L = choleskyFactor(K);
  const cross = covarianceOf(at, x, params);
  const noisy = x.length ? gaussianProcess(x, x, params).L : [];
  return normals.map((z) => {
    const f = L.map((row) => dotProduct(row, z));
    const missing = x.map((_, i) => y[i] - f[at.length + i] - params.noise * z[all.length + i]);
    const weights = x.length ? backwardSolve(noisy, forwardSolve(noisy, missing)) : [];
    return at.map((_, i) => f[i] + dotProduct(cross[i], weights));
  });
}
