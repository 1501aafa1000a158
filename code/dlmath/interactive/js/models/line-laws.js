import { gammaQ } from "../special.js";
import { componentLogs, mixtureAt } from "./line-mixture.js";

// Distribution functions, and the flow to a mixture of Gaussians on the line: { weights, means, variances }.
export const normalCdf = (x) => (x < 0 ? gammaQ(0.5, (x * x) / 2) / 2 : 1 - gammaQ(0.5, (x * x) / 2) / 2);
export const mixtureCdf = ({ weights, means, variances }, x) => weights.reduce((sum, w, k) => sum + w * normalCdf((x - means[k]) / Math.sqrt(variances[k])), 0);

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
export function mixtureVelocity(law, x, t) {
  const now = mixtureAt(law, t, 1 - t), logs = componentLogs(x, now);
  const top = Math.max(...logs), shares = logs.map((l) => Math.exp(l - top)), total = shares.reduce((a, b) => a + b);
  return shares.reduce((sum, share, k) => sum + (share / total) * (law.means[k] + ((t * law.variances[k] - (1 - t)) / now.variances[k]) * (x - now.means[k])), 0);
}
