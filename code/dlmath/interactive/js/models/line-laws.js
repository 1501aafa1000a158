import { gammaQ } from "../special.js";

// Mixtures of Gaussians on the line: { weights, means, sds }.
export const normalCdf = (x) => (x < 0 ? gammaQ(0.5, (x * x) / 2) / 2 : 1 - gammaQ(0.5, (x * x) / 2) / 2);
export const mixtureCdf = ({ weights, means, sds }, x) => weights.reduce((sum, w, k) => sum + w * normalCdf((x - means[k]) / sds[k]), 0);
export const mixtureDensity = ({ weights, means, sds }, x) => weights.reduce(
  (sum, w, k) => sum + (w * Math.exp(-((x - means[k]) ** 2) / (2 * sds[k] ** 2))) / (sds[k] * Math.sqrt(2 * Math.PI)), 0,
);

// The place where an increasing function has a value, by bisection.
export function solveIncreasing(f, value, low, high) {
  for (let k = 0; k < 52; k++) {
    const middle = (low + high) / 2;
    if (f(middle) < value) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export const mixtureQuantile = (law, share) => solveIncreasing((x) => mixtureCdf(law, x), share, -12, 12);
export const normalQuantile = (share) => solveIncreasing(normalCdf, share, -9, 9);

// E[x1 - x0 | x_t = x] for standard normal x0 and an independent x1 from the mixture.
export function mixtureVelocity({ weights, means, sds }, x, t) {
  const variances = sds.map((s) => t * t * s * s + (1 - t) ** 2);
  const logs = weights.map((w, k) => Math.log(w) - 0.5 * Math.log(variances[k]) - (x - t * means[k]) ** 2 / (2 * variances[k]));
  const top = Math.max(...logs), shares = logs.map((l) => Math.exp(l - top)), total = shares.reduce((a, b) => a + b);
  return shares.reduce((sum, share, k) => sum + (share / total) * (means[k] + ((t * sds[k] ** 2 - (1 - t)) / variances[k]) * (x - t * means[k])), 0);
}
