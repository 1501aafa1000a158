import { decodeFloat16 } from "../float16.js";
import { normal } from "./random.js";

// An energy that is a network of the plane: gain f(u) + |u|^2 / (2 base^2) with u = (x - mean) / scale.
const decodeEnergy = ({ layers, ...rest }) => ({ ...rest, layers: layers.map(({ W, b }) => ({ W: decodeFloat16(W), b: decodeFloat16(b) })) });

// The energy and its gradient at a point: once forward through layers of SiLU, once backward.
function energyAt({ layers, gain, base, mean, scale }, x) {
  const u = x.map((v, i) => (v - mean[i]) / scale[i]), slopes = [];
  let a = u;
  layers.forEach(({ W, b }, l) => {
    const z = new Float64Array(b.length), n = a.length, last = l === layers.length - 1;
    for (let i = 0; i < z.length; i++) {
      let sum = b[i];
      for (let j = 0; j < n; j++) sum += W[i * n + j] * a[j];
      z[i] = sum;
    }
    a = z;
    if (last) return;
    const slope = new Float64Array(z.length);
    for (let i = 0; i < z.length; i++) {
      const s = 1 / (1 + Math.exp(-z[i]));
      slope[i] = s * (1 + z[i] * (1 - s));
      z[i] *= s;
    }
    slopes.push(slope);
  });
  let back = Float64Array.of(gain);
  for (let l = layers.length - 1; l >= 0; l--) {
    const { W } = layers[l], n = l ? slopes[l - 1].length : u.length, below = new Float64Array(n);
    for (let i = 0; i < back.length; i++) for (let j = 0; j < n; j++) below[j] += W[i * n + j] * back[i];
    if (l) for (let j = 0; j < n; j++) below[j] *= slopes[l - 1][j];
    back = below;
  }
  const energy = gain * a[0] + u.reduce((sum, v) => sum + v * v, 0) / (2 * base * base);
  return { energy, gradient: u.map((v, i) => (back[i] + v / (base * base)) / scale[i]) };
}

// One step of Langevin's equation at a temperature, in units of the data: noise of variance step * temperature.
function langevinStep(model, x, step, temperature, random) {
  const { gradient } = energyAt(model, x), spread = Math.sqrt(step * temperature);
  return x.map((v, i) => v - (step / 2) * gradient[i] + spread * normal(random));
}
