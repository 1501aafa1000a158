// The networks of _networks.py (dlmath.generative) on weights in one flat buffer: see weights.js.
// A network is { model, parameters, n, classes, centre, scale, forward }: forward(x, noise, label)
// maps rows of n numbers, one after the other, to rows; without a label it is that for none.

const NORM_GROUPS = 8, NORM_EPSILON = 1e-5;
const silu = (z) => z / (1 + Math.exp(-z));

function applySilu(x) {
  for (let i = 0; i < x.length; i++) x[i] = silu(x[i]);
  return x;
}

// The arrays by their names, as views of the buffer.
function weightArrays(layout, values) {
  return Object.fromEntries(layout.map(([key, shape, at]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return [key, Object.assign(values.subarray(at, at + size), { shape })];
  }));
}

// All arrays of one layer, without the layer's name.
const layerOf = (arrays, name) => ({ weight: arrays[`${name}.weight`], bias: arrays[`${name}.bias`] });

// x W^T + b for one row x, from the place "from" of each row of W on.
function affine({ weight, bias }, x, from = 0) {
  const outputs = weight.shape[0], inputs = weight.shape[1], y = new Float64Array(outputs);
  for (let i = 0; i < outputs; i++) {
    const row = i * inputs + from;
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += weight[row + j] * x[j];
    y[i] = sum + (bias?.[i] ?? 0);
  }
  return y;
}

// A vector for the noise level and the label.
export function embed(arrays, noise, label) {
  const frequencies = arrays["embedding.frequencies"], count = frequencies.length;
  const features = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    features[k] = Math.sin(noise * frequencies[k]);
    features[count + k] = Math.cos(noise * frequencies[k]);
  }
  const hidden = applySilu(affine(layerOf(arrays, "embedding.first"), features));
  const vector = affine(layerOf(arrays, "embedding.second"), hidden);
  const labels = arrays["embedding.labels.weight"];
  if (labels) for (let i = 0; i < vector.length; i++) vector[i] += labels[label * vector.length + i];
  return applySilu(vector);
}

// Images are channels of side by side numbers, one channel after the other.

// Convolution 3 by 3 with a border of zeros. Rows are taken with their borders, so that nine
// products a place run through memory in one line; what falls on the borders is left out.
export function convolve3({ weight, bias }, x, side) {
  const outputs = weight.shape[0], inputs = weight.shape[1], wide = side + 2, area = wide * wide;
  const padded = new Float64Array(inputs * area + 2);
  for (let c = 0, from = 0; c < inputs; c++) {
    for (let r = 1; r <= side; r++, from += side) padded.set(x.subarray(from, from + side), c * area + r * wide + 1);
  }
  const run = side * wide - 2, sums = new Float64Array(run), y = new Float64Array(outputs * side * side);
  for (let o = 0, to = 0; o < outputs; o++) {
    sums.fill(bias[o]);
    for (let c = 0; c < inputs; c++) {
      const k = 9 * (o * inputs + c);
      addNine(sums, padded, c * area, wide, run, weight, k);
    }
    for (let r = 0; r < side; r++, to += side) y.set(sums.subarray(r * wide, r * wide + side), to);
  }
  return y;
}

function addNine(sums, x, at, wide, run, w, k) {
  const a = w[k], b = w[k + 1], c = w[k + 2], d = w[k + 3], e = w[k + 4], f = w[k + 5], g = w[k + 6], h = w[k + 7], i = w[k + 8];
  let top = at, middle = at + wide, below = at + 2 * wide;
  for (let p = 0; p < run; p++, top++, middle++, below++) {
    sums[p] += a * x[top] + b * x[top + 1] + c * x[top + 2] + d * x[middle] + e * x[middle + 1] + f * x[middle + 2] + g * x[below] + h * x[below + 1] + i * x[below + 2];
  }
}

// The same at every other place of an even side.
export function convolveHalving(layer, x, side) {
  const whole = convolve3(layer, x, side), half = side / 2, channels = whole.length / (side * side);
  const y = new Float64Array(channels * half * half);
  for (let c = 0, to = 0; c < channels; c++) {
    for (let r = 0; r < half; r++) for (let k = 0; k < half; k++) y[to++] = whole[(c * side + 2 * r) * side + 2 * k];
  }
  return y;
}

// Convolution 1 by 1: every place for itself.
export function convolve1({ weight, bias }, x, area) {
  const outputs = weight.shape[0], inputs = weight.shape[1], y = new Float64Array(outputs * area);
  for (let o = 0; o < outputs; o++) {
    const line = y.subarray(o * area, (o + 1) * area).fill(bias[o]);
    for (let c = 0; c < inputs; c++) {
      const w = weight[o * inputs + c], from = c * area;
      for (let p = 0; p < area; p++) line[p] += w * x[from + p];
    }
  }
  return y;
}

// Mean 0 and variance 1 over each of the groups that x is cut into.
function standardise(x, groups) {
  const size = x.length / groups, y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    let mean = 0, square = 0;
    for (let i = start; i < start + size; i++) mean += x[i];
    mean /= size;
    for (let i = start; i < start + size; i++) square += (x[i] - mean) ** 2;
    const factor = 1 / Math.sqrt(square / size + NORM_EPSILON);
    for (let i = start; i < start + size; i++) y[i] = (x[i] - mean) * factor;
  }
  return y;
}

// Group norm with its own weights, and with the scale and shift that the embedding gives, if any.
export function normalise({ weight, bias }, x, { groups = NORM_GROUPS, film } = {}) {
  const y = standardise(x, groups), channels = weight.length, area = x.length / channels;
  for (let c = 0; c < channels; c++) {
    const more = film ? 1 + film[c] : 1, scale = weight[c] * more, shift = bias[c] * more + (film ? film[channels + c] : 0);
    for (let i = c * area; i < (c + 1) * area; i++) y[i] = y[i] * scale + shift;
  }
  return y;
}

export function upsample(x, side) {
  const channels = x.length / (side * side), y = new Float64Array(4 * x.length), wide = 2 * side;
  for (let row = 0; row < channels * side; row++) {
    for (let k = 0; k < side; k++) {
      const to = 2 * row * wide + 2 * k;
      y[to] = y[to + 1] = y[to + wide] = y[to + wide + 1] = x[row * side + k];
    }
  }
  return y;
}

// Squares of patch by patch pixels become channels; "back" puts them where they were.
export function shufflePixels(x, side, patch, back = false) {
  const y = new Float64Array(x.length), coarse = side / patch;
  for (let r = 0; r < side; r++) {
    for (let k = 0; k < side; k++) {
      const channel = (r % patch) * patch + (k % patch), pixel = r * side + k;
      const place = (channel * coarse + Math.floor(r / patch)) * coarse + Math.floor(k / patch);
      if (back) y[pixel] = x[place];
      else y[place] = x[pixel];
    }
  }
  return y;
}

function join(a, b) {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function addTo(y, x) {
  for (let i = 0; i < y.length; i++) y[i] += x[i];
  return y;
}

// Each of the following knows its weights, then an embedding, then a row x.

// Two convolutions around which the image also passes unchanged, or through one of 1 by 1.
function blockOf(arrays, name) {
  const [norm1, conv1, modulate, norm2, conv2, skip] = ["norm1", "conv1", "modulate", "norm2", "conv2", "skip"].map((part) => layerOf(arrays, `${name}.${part}`));
  return (embedding) => {
    const film = affine(modulate, embedding);
    return (x, side) => {
      const h = convolve3(conv1, applySilu(normalise(norm1, x)), side);
      const inner = applySilu(normalise(norm2, h, { film }));
      return addTo(convolve3(conv2, inner, side), skip.weight ? convolve1(skip, x, side * side) : x);
    };
  };
}

function uNet(arrays, { patch }, n) {
  const whole = Math.sqrt(n), side = whole / patch, half = side / 2;
  const [enter, down, up, norm, leave] = ["enter", "down", "up", "norm", "leave"].map((name) => layerOf(arrays, name));
  const blocks = ["fine", "coarse1", "coarse2", "merge"].map((name) => blockOf(arrays, name));
  return (embedding) => {
    const [fine, coarse1, coarse2, merge] = blocks.map((block) => block(embedding));
    return (x) => {
      const kept = fine(convolve3(enter, shufflePixels(x, whole, patch), side), side);
      const coarse = coarse2(coarse1(convolveHalving(down, kept, side), half), half);
      const h = merge(join(convolve3(up, upsample(coarse, half), side), kept), side);
      return shufflePixels(convolve3(leave, applySilu(normalise(norm, h)), side), whole, patch, true);
    };
  };
}

function residualNetwork(arrays, { layers }) {
  const [enter, norm, leave] = ["enter", "norm", "leave"].map((name) => layerOf(arrays, name));
  const steps = Array.from({ length: layers }, (_, k) => ["norms", "modulate", "first", "second"].map((name) => layerOf(arrays, `${name}.${k}`)));
  return (embedding) => {
    const films = steps.map(([, modulate]) => affine(modulate, embedding));
    return (x) => {
      let h = affine(enter, x);
      steps.forEach(([before, , first, second], k) => {
        const inner = normalise(before, h, { groups: 1, film: films[k] });
        h = addTo(affine(second, applySilu(affine(first, inner))), h);
      });
      return affine(leave, applySilu(normalise(norm, h, { groups: 1 })));
    };
  };
}

function denseNetwork(arrays, { layers }, n) {
  const { directions } = arrays, count = directions.length / n, leave = layerOf(arrays, "leave");
  const [first, ...others] = Array.from({ length: layers }, (_, k) => layerOf(arrays, `hidden.${2 * k}`));
  return (embedding) => {
    // What the embedding sends to the first layer is the same for all rows.
    const constant = affine({ weight: first.weight, bias: first.bias }, embedding, n + 2 * count);
    return (x) => {
      const features = new Float64Array(n + 2 * count);
      features.set(x);
      for (let k = 0; k < count; k++) {
        let angle = 0;
        for (let j = 0; j < n; j++) angle += directions[k * n + j] * x[j];
        features[n + k] = Math.sin(angle);
        features[n + count + k] = Math.cos(angle);
      }
      const h = applySilu(addTo(affine({ weight: first.weight }, features), constant));
      return affine(leave, others.reduce((inputs, layer) => applySilu(affine(layer, inputs)), h));
    };
  };
}

const NETWORKS = { unet: uNet, residual: residualNetwork, dense: denseNetwork };

// What requestWeights gave, as { forward, ... }: see the top.
export function makeNetwork({ model, parameters, n_features: n, layout, values }) {
  const arrays = weightArrays(layout, values), { classes } = parameters;
  const inner = Object.fromEntries(Object.entries(arrays).map(([key, array]) => [key.replace("inner.", ""), array]));
  const ready = NETWORKS[parameters.network](inner, parameters, n);
  function forward(x, noise, label = classes) {
    const map = ready(embed(inner, noise, label)), y = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += n) y.set(map(x.subarray(at, at + n)), at);
    return y;
  }
  return { model, parameters, n, classes, centre: arrays.centre, scale: arrays.scale[0], forward };
}

// From a network's states to the units of the data, grey levels not rounded.
export const decodeStates = ({ n, centre, scale }, x) => x.map((value, i) => value * scale + centre[i % n]);

// The estimate of x_0 by a network of flow matching, for a state at the time t, which counts from the
// data. With labels, "guidance" is the weight w in w D(x, c) + (1 - w) D(x); each weight but 0 and 1
// costs a second evaluation.
export function makeDenoiser(network, { label, guidance = 1 } = {}) {
  // A velocity is known at the time 1 - t of flow matching: from there to the data it is the way t.
  const once = (x, t, named) => network.forward(x, 4 * (1 - t) - 2, named).map((value, i) => x[i] + t * value);
  const weight = label === undefined ? 0 : guidance;
  return (x, t) => {
    const free = weight === 1 ? null : once(x, t), named = weight === 0 ? null : once(x, t, label);
    if (!free || !named) return free ?? named;
    return free.map((value, i) => value + weight * (named[i] - value));
  };
}
