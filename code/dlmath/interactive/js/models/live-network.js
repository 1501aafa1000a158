import { normal } from "./random.js";
import { optimizerStep } from "./optimizers.js";

// A feed-forward network with one logistic output, trained on the cross-entropy of two classes.
// Parameters are a flat list W1, b1, ..., WL, bL; W has its inputs as rows, one after the other.

const SIGMA = {
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  sigmoid: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (z, a) => a * (1 - a) },
  relu: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  sine: { value: Math.sin, slope: (z) => Math.cos(z) },
};

// Glorot's variance of the weights, He's for relu; no biases.
function initialParameters(sizes, activation, random) {
  return sizes.slice(1).flatMap((outputs, l) => {
    const inputs = sizes[l], variance = activation === "relu" ? 2 / inputs : 2 / (inputs + outputs);
    const W = Float64Array.from({ length: inputs * outputs }, () => Math.sqrt(variance) * normal(random));
    return [W, new Float64Array(outputs)];
  });
}

// z = W^T a + b of one layer, for one sample.
function affine(a, W, b) {
  const z = Float64Array.from(b);
  for (let i = 0; i < a.length; i++) for (let j = 0; j < z.length; j++) z[j] += a[i] * W[i * z.length + j];
  return z;
}

// All z and a of one sample; the last z is the log odds of class 1.
function propagateSample(parameters, activation, x) {
  const zs = [], as = [x], layers = parameters.length / 2;
  for (let l = 0; l < layers; l++) {
    zs.push(affine(as[l], parameters[2 * l], parameters[2 * l + 1]));
    if (l < layers - 1) as.push(zs[l].map(SIGMA[activation].value));
  }
  return { zs, as };
}

const logOdds = (parameters, activation, x) => propagateSample(parameters, activation, x).zs.at(-1)[0];
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

// Mean cross-entropy, and the share of samples on the wrong side.
function judge(parameters, activation, X, y) {
  let cost = 0, wrong = 0;
  X.forEach((x, i) => {
    const z = logOdds(parameters, activation, x);
    cost += softplus(z) - y[i] * z;
    if (z > 0 !== y[i] > 0) wrong += 1;
  });
  return { cost: cost / X.length, wrong: wrong / X.length };
}

// Backpropagation over the samples whose numbers are given.
function backpropagate(parameters, activation, X, y, rows) {
  const gradients = parameters.map((parameter) => new Float64Array(parameter.length));
  for (const i of rows) {
    const { zs, as } = propagateSample(parameters, activation, X[i]);
    let delta = Float64Array.of((1 / (1 + Math.exp(-zs.at(-1)[0])) - y[i]) / rows.length);
    for (let l = zs.length - 1; l >= 0; l--) {
      const a = as[l], m = delta.length, W = parameters[2 * l];
      for (let k = 0; k < a.length; k++) for (let j = 0; j < m; j++) gradients[2 * l][k * m + j] += a[k] * delta[j];
      for (let j = 0; j < m; j++) gradients[2 * l + 1][j] += delta[j];
      if (l === 0) break;
      const below = new Float64Array(a.length);
      for (let k = 0; k < a.length; k++) {
        let sum = 0;
        for (let j = 0; j < m; j++) sum += W[k * m + j] * delta[j];
        below[k] = sum * SIGMA[activation].slope(zs[l - 1][k], a[k]);
      }
      delta = below;
    }
  }
  return gradients;
}

// The numbers 0, ..., n - 1 in a random order.
function shuffled(n, random) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Visits every sample once; false where a parameter is no longer finite.
function trainEpoch({ parameters, activation, optimizer, eta, batch, state }, X, y, order) {
  const settings = { eta };
  for (let first = 0; first < order.length; first += batch) {
    const rows = order.slice(first, first + batch);
    optimizerStep(optimizer, settings, state, parameters, backpropagate(parameters, activation, X, y, rows));
  }
  return parameters.every((parameter) => parameter.every(Number.isFinite));
}
