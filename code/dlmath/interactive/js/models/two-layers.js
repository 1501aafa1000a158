// A network with one hidden layer and one output, its loss for one sample, and all derivatives.
const ACTIVATIONS = {
  logistic: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (z, a) => a * (1 - a) },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  ReLU: { value: (z) => Math.max(0, z), slope: (z) => (z > 0 ? 1 : 0) },
};
const sumOver = (count, term) => Array.from({ length: count }, (_, i) => term(i)).reduce((s, v) => s + v, 0);
const listOf = (count, entry) => Array.from({ length: count }, (_, i) => entry(i));

// One list of numbers, in the order x, y, W1 row by row, b1, W2, b2.
function unpack(values, inputs, hidden) {
  let next = 0;
  const take = (count) => values.slice(next, (next += count));
  const x = take(inputs), [y] = take(1);
  const W1 = listOf(inputs, () => take(hidden));
  return { x, y, W1, b1: take(hidden), w2: take(hidden), b2: take(1)[0] };
}

function propagate({ x, y, W1, b1, w2, b2 }, activation) {
  const { value } = ACTIVATIONS[activation];
  const z1 = b1.map((b, j) => sumOver(x.length, (i) => x[i] * W1[i][j]) + b);
  const a1 = z1.map(value);
  const z2 = sumOver(a1.length, (j) => a1[j] * w2[j]) + b2;
  const a2 = value(z2);
  return { z1, a1, z2, a2, loss: (a2 - y) ** 2 };
}

function backpropagate({ x, y, w2 }, { z1, a1, z2, a2 }, activation) {
  const { slope } = ACTIVATIONS[activation];
  const delta2 = 2 * (a2 - y) * slope(z2, a2);
  const delta1 = z1.map((z, j) => w2[j] * delta2 * slope(z, a1[j]));
  return {
    delta1, delta2,
    W1: x.map((xi) => delta1.map((d) => xi * d)), b1: delta1,
    w2: a1.map((a) => a * delta2), b2: delta2,
  };
}

// A step against the gradient: the parameters move, inputs and target stay.
function downhill(values, inputs, hidden, activation, eta) {
  const network = unpack(values, inputs, hidden);
  const gradient = backpropagate(network, propagate(network, activation), activation);
  const slopes = [...listOf(inputs + 1, () => 0), ...gradient.W1.flat(), ...gradient.b1, ...gradient.w2, gradient.b2];
  return values.map((v, k) => v - eta * slopes[k]);
}
