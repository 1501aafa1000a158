import { makeDenoiser } from "./denoisers.js";
import { normal, randomStream } from "./random.js";

// A step from t to s < t along the velocity (estimate - x) / t of the straight line; the time counts
// from the data. It also gives the estimate of x_0 at t.
function eulerStep(denoise, x, t, s) {
  const estimate = denoise(x, t), share = (t - s) / t;
  return { x: x.map((value, i) => value + share * (estimate[i] - value)), estimate };
}

function midpointStep(denoise, x, t, s) {
  const half = (t + s) / 2, { x: ahead, estimate } = eulerStep(denoise, x, t, half);
  const there = denoise(ahead, half), share = (t - s) / half;
  return { x: x.map((value, i) => value + share * (there[i] - ahead[i])), estimate };
}

// Drawing by flow matching, one step at a time: states from the noise on, and at each but the last
// the estimate of the picture at its end. Here the time counts from the noise, 0, to the data, 1.
export const beginDrawing = (noise) => ({ states: [Float64Array.from(noise)], estimates: [], evaluations: 0 });

export function continueDrawing(network, { states, estimates, evaluations }, { label, guidance, steps, midpoint }) {
  const k = states.length - 1, step = midpoint ? midpointStep : eulerStep;
  const denoise = makeDenoiser(network, { label, guidance });
  const { x, estimate } = step(denoise, states[k], 1 - k / steps, 1 - (k + 1) / steps);
  const cost = (midpoint ? 2 : 1) * (guidance === 0 || guidance === 1 ? 1 : 2);
  return { states: [...states, x], estimates: [...estimates, estimate], evaluations: evaluations + cost };
}

export function freshNoise(seed, n) {
  const random = randomStream(seed);
  return Float64Array.from({ length: n }, () => normal(random));
}

// Which of the states 0 to steps a strip of so many columns shows.
export function stripColumns(steps, most) {
  const count = Math.min(steps + 1, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * steps) / (count - 1)));
}
