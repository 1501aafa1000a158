// Layers of a trained network: x W^T + b with torch's W of shape (outputs, inputs).
import { decodeFloat16 } from "../float16.js";

const ACTIVATIONS = {
  identity: (z) => z,
  leaky_relu: (z) => (z > 0 ? z : 0.2 * z),
  relu: (z) => Math.max(z, 0),
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  silu: (z) => z / (1 + Math.exp(-z)),
  softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  tanh: Math.tanh,
};

// From { W, b } as base64 of half precision to numbers; done once per figure.
export const decodeLayers = (layers) => layers.map(({ W, b, activation }) => ({ W: decodeFloat16(W), b: decodeFloat16(b), activation }));

export function dense(layers, x) {
  return layers.reduce((inputs, { W, b, activation }) => {
    const n = inputs.length, act = ACTIVATIONS[activation], out = new Float64Array(b.length);
    for (let i = 0; i < out.length; i++) {
      let sum = b[i];
      for (let j = 0; j < n; j++) sum += W[i * n + j] * inputs[j];
      out[i] = act(sum);
    }
    return out;
  }, x);
}
