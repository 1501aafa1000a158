// A network with one hidden layer of tanh units and one input and output, in one vector of
// parameters: the weights and biases of the hidden units, the outer weights, the outer bias.

function predict(theta, m, x) {
  let f = theta[3 * m];
  for (let j = 0; j < m; j++) f += theta[2 * m + j] * Math.tanh(theta[j] * x + theta[m + j]);
  return f;
}

// The mean of the squared errors.
function meanSquare(theta, m, { x, y }) {
  return x.reduce((sum, xi, i) => sum + (predict(theta, m, xi) - y[i]) ** 2, 0) / x.length;
}

// Its gradient by backpropagation.
function slope(theta, m, { x, y }) {
  const g = new Float64Array(3 * m + 1), a = new Float64Array(m), n = x.length;
  for (let i = 0; i < n; i++) {
    let f = theta[3 * m];
    for (let j = 0; j < m; j++) {
      a[j] = Math.tanh(theta[j] * x[i] + theta[m + j]);
      f += theta[2 * m + j] * a[j];
    }
    const delta = (2 * (f - y[i])) / n;
    g[3 * m] += delta;
    for (let j = 0; j < m; j++) {
      const back = delta * theta[2 * m + j] * (1 - a[j] * a[j]);
      g[j] += back * x[i];
      g[m + j] += back;
      g[2 * m + j] += delta * a[j];
    }
  }
  return g;
}

const norm = (v) => Math.sqrt(v.reduce((sum, vi) => sum + vi * vi, 0));
const STEP = 1e-4;

// The Hessian times a vector of length one, by a central difference of the gradient.
function hessianTimes(theta, m, data, v) {
  const ahead = slope(theta.map((t, k) => t + STEP * v[k]), m, data);
  const behind = slope(theta.map((t, k) => t - STEP * v[k]), m, data);
  return ahead.map((a, k) => (a - behind[k]) / (2 * STEP));
}

// Power iteration from v, which is moved: gives the Rayleigh quotient of the last vector.
function sharpest(theta, m, data, v, iterations) {
  let value = 0;
  for (let k = 0; k < iterations; k++) {
    const Hv = hessianTimes(theta, m, data, v), size = norm(Hv);
    value = v.reduce((sum, vi, i) => sum + vi * Hv[i], 0);
    if (!(size > 0) || !Number.isFinite(size)) break;
    for (let i = 0; i < v.length; i++) v[i] = Hv[i] / size;
  }
  return value;
}

// One step of gradient descent, in place; false where it would leave the finite numbers.
function descendOnce(theta, m, data, eta) {
  const g = slope(theta, m, data);
  if (!g.every((value, k) => Number.isFinite(value) && Math.abs(theta[k] - eta * value) < 1e6)) return false;
  for (let k = 0; k < g.length; k++) theta[k] -= eta * g[k];
  return true;
}
