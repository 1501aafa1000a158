import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream, normalVector } from "./lehmer.js";

const logistic = (z) => 1 / (1 + Math.exp(-z));
// Each activation with its derivative, and the interval in which its values are shown.
const ACTIVATIONS = {
  tanh: { value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2, shown: [-1, 1] },
  relu: { value: (z) => Math.max(z, 0), slope: (z) => Number(z > 0), shown: [0, 4] },
  sigmoid: { value: logistic, slope: (z) => logistic(z) * (1 - logistic(z)), shown: [0, 1] },
  identity: { value: (z) => z, slope: () => 1, shown: [-4, 4] },
};
const RIDGES = 5, BINS = 40;
const meanSquare = (values) => values.reduce((sum, v) => sum + v * v, 0) / values.length;

// Normal numbers of one stream, as many as have been asked for so far.
let drawn = { draw: 0, stream: null, values: new Float64Array(0) };
function normals(draw, count) {
  if (drawn.draw !== draw) drawn = { draw, stream: normalStream(7919 * draw), values: new Float64Array(0) };
  if (drawn.values.length < count) {
    const more = normalVector(drawn.stream, count - drawn.values.length);
    const values = new Float64Array(count);
    values.set(drawn.values);
    values.set(more, count - more.length);
    drawn.values = values;
  }
  return drawn.values;
}

// Rows are samples: Z = A W, with W[i][j] = sqrt(scale / width) times the next normal number.
function forward({ activation, depth, width, scale, draw }, { samples }) {
  const { value } = ACTIVATIONS[activation], block = width * width, inputs = samples * width;
  const numbers = normals(draw, 2 * inputs + depth * block), factor = Math.sqrt(scale / width);
  const As = [numbers.subarray(0, inputs)], Zs = [];
  for (let l = 0; l < depth; l++) {
    const Z = new Float64Array(inputs), A = As[l], from = 2 * inputs + l * block;
    for (let s = 0; s < samples; s++) {
      const row = s * width;
      for (let i = 0; i < width; i++) {
        const a = A[row + i] * factor, w = from + i * width;
        if (a !== 0) for (let j = 0; j < width; j++) Z[row + j] += a * numbers[w + j];
      }
    }
    Zs.push(Z);
    As.push(Z.map(value));
  }
  return { As, Zs, numbers, factor, inputs, block };
}

// Gradients by the activations, from normal numbers at the last layer back to the inputs.
function backward({ activation, depth, width }, { samples }, { Zs, numbers, factor, inputs, block }) {
  const { slope } = ACTIVATIONS[activation];
  const Gs = [numbers.subarray(inputs, 2 * inputs)];
  for (let l = depth - 1; l >= 0; l--) {
    const delta = Gs[0].map((g, k) => g * slope(Zs[l][k])), G = new Float64Array(inputs);
    const from = 2 * inputs + l * block;
    for (let s = 0; s < samples; s++) {
      const row = s * width;
      for (let i = 0; i < width; i++) {
        let sum = 0;
        const w = from + i * width;
        for (let j = 0; j < width; j++) sum += numbers[w + j] * delta[row + j];
        G[row + i] = factor * sum;
      }
    }
    Gs.unshift(G);
  }
  return Gs;
}

// E[f(sqrt(q) g)^2] for a normal g, by the midpoint rule: no point lies on the kink at zero.
function normalMean(f, q) {
  const half = 400, h = 9 / half, root = Math.sqrt(q);
  let sum = 0, weight = 0;
  for (let k = -half; k < half; k++) {
    const g = (k + 0.5) * h, w = Math.exp((-g * g) / 2);
    sum += w * f(root * g) ** 2;
    weight += w;
  }
  return sum / weight;
}

// What wide layers do: variances q^1 ... q^L, and gradients from the last layer back.
function theory({ activation, depth, scale }, square, last) {
  const { value, slope } = ACTIVATIONS[activation];
  const q = [scale * square];
  while (q.length < depth) q.push(scale * normalMean(value, q[q.length - 1]));
  const gradients = [last];
  for (let l = depth - 1; l >= 0; l--) gradients.unshift(gradients[0] * scale * normalMean(slope, q[l]));
  return { q, gradients };
}

function run(params, data) {
  const pass = forward(params, data), Gs = backward(params, data, pass);
  const measured = { q: pass.Zs.map(meanSquare), gradients: Gs.map(meanSquare) };
  return { As: pass.As, measured, expected: theory(params, meanSquare(pass.As[0]), measured.gradients[params.depth]) };
}

// Shares of the values in equal bins; what lies outside is counted in the first or the last one.
function histogram(values, [low, high], zeros) {
  const counts = new Array(BINS).fill(0);
  let kept = 0;
  for (const v of values) {
    if (!zeros && v === 0) continue;
    kept += 1;
    counts[Math.max(0, Math.min(BINS - 1, Math.floor(((v - low) / (high - low)) * BINS)))] += 1;
  }
  return counts.map((c) => (kept ? c / kept : 0));
}

function ridgePanel({ activation, depth }, As) {
  const { shown } = ACTIVATIONS[activation], zeros = activation !== "relu";
  const count = Math.min(RIDGES, depth);
  const layers = Array.from({ length: count }, (_, k) => Math.round(depth - (k * (depth - 1)) / Math.max(1, count - 1)));
  const step = (shown[1] - shown[0]) / BINS;
  const series = layers.flatMap((l, row) => {
    const shares = histogram(As[l], shown, zeros), top = Math.max(...shares, 1e-9);
    const x = shares.flatMap((_, b) => [shown[0] + b * step, shown[0] + (b + 1) * step]);
    const high = shares.flatMap((c) => [row + (0.85 * c) / top, row + (0.85 * c) / top]);
    return [
      { type: "band", x, low: x.map(() => row), high, color: 1, opacity: 0.25 },
      { type: "line", x, y: high, color: 1, width: 1.5 },
    ];
  });
  return {
    xlabel: zeros ? "activation" : "activation (zeros left out)", ylabel: "layer", xlim: shown, ylim: [-0.15, count],
    ynames: layers.map(String), series,
  };
}

function logLimits(values) {
  const positive = values.filter((v) => v > 0);
  const low = Math.min(...positive), high = Math.max(...positive);
  return [Math.min(low, 0.1) / 2, Math.max(high, 10) * 2];
}

function variancePanel(layers, found, expected, names) {
  const ylim = logLimits([...found, ...expected]);
  const xlim = [layers[0] - 0.5, layers[layers.length - 1] + 0.5];
  return {
    xlabel: "layer", yscale: "log", xlim, ylim, ...names,
    series: [
      { type: "line", x: layers, y: expected, color: 2, width: 2.25 },
      { type: "points", x: layers, y: found, color: 1, r: 3.5 },
      ...keys([["● measured", 1], ["— theory", 2]], xlim[1], ylim[1]),
    ],
  };
}

function compute(params, data) {
  const { As, measured, expected } = run(params, data), { depth } = params;
  const layers = Array.from({ length: depth }, (_, l) => l + 1);
  const forwardFactor = (expected.q[depth - 1] / expected.q[0]) ** (1 / (depth - 1));
  const backwardFactor = (expected.gradients[0] / expected.gradients[depth]) ** (1 / depth);
  return {
    panels: [
      ridgePanel(params, As),
      variancePanel(layers, measured.q, expected.q, { ylabel: "mean square of z, forwards" }),
      variancePanel([0, ...layers], measured.gradients, expected.gradients, { ylabel: "mean square of dC/da, backwards" }),
    ],
    readouts: [
      ["z² in the last layer", `${format(measured.q[depth - 1])} (theory ${format(expected.q[depth - 1])})`],
      ["gradient² at the input", `${format(measured.gradients[0])} (theory ${format(expected.gradients[0])})`],
      ["factor per layer, forwards", format(forwardFactor)],
      ["factor per layer, backwards", format(backwardFactor)],
    ],
  };
}

const actions = { one: () => ({ scale: 1 }), he: () => ({ scale: 2 }) };

export default computedPlot({ compute, actions });
