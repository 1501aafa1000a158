// A restricted Boltzmann machine: x of n visible units, h of m hidden ones, all 0 or 1.
import { decodeFloat16 } from "../float16.js";

// From base64 of half precision to numbers; W has a row of m weights for each visible unit.
export function decodeMachine({ W, b, c }) {
  return { W: decodeFloat16(W), b: decodeFloat16(b), c: decodeFloat16(c) };
}

const logistic = (z) => 1 / (1 + Math.exp(-z));

// What the visible units send to each hidden one, bias included.
export function hiddenField({ W, c }, x) {
  const m = c.length, field = Float64Array.from(c);
  for (let i = 0; i < x.length; i++) if (x[i]) for (let j = 0; j < m; j++) field[j] += W[i * m + j];
  return field;
}

export function visibleField({ W, b }, h) {
  const m = h.length;
  return Float64Array.from(b, (bias, i) => {
    let sum = bias;
    for (let j = 0; j < m; j++) if (h[j]) sum += W[i * m + j];
    return sum;
  });
}

export function machineFreeEnergy(machine, x) {
  let F = 0;
  for (let i = 0; i < x.length; i++) if (x[i]) F -= machine.b[i];
  for (const z of hiddenField(machine, x)) F -= Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  return F;
}

const coin = (random) => (p) => (random() < p ? 1 : 0);

// All hidden units given the picture, then all pixels that are not held: new x, h, and p(x = 1 | h).
export function gibbsSweep(machine, x, held, temperature, random) {
  const h = Uint8Array.from(hiddenField(machine, x).map((z) => logistic(z / temperature)), coin(random));
  const p = visibleField(machine, h).map((z) => logistic(z / temperature));
  const drawn = Uint8Array.from(p, coin(random));
  return { h, p: p.map((value, i) => (held[i] ? x[i] : value)), x: drawn.map((value, i) => (held[i] ? x[i] : value)) };
}
