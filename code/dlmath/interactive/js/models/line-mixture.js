import { normalFrom } from "./lehmer.js";

// Mixtures of Gaussians on the line, on their way into noise.
function mixtureAt({ weights, means, variances }, gamma, sigma) {
  return { weights, means: means.map((m) => gamma * m), variances: variances.map((s) => gamma * gamma * s + sigma * sigma) };
}

const componentLogs = (x, { weights, means, variances }) => weights.map((w, i) => Math.log(w) - Math.log(2 * Math.PI * variances[i]) / 2 - (x - means[i]) ** 2 / (2 * variances[i]));

const mixtureDensity = (x, law) => componentLogs(x, law).reduce((sum, log) => sum + Math.exp(log), 0);

function mixtureScore(x, law) {
  const logs = componentLogs(x, law), top = Math.max(...logs);
  let sum = 0, pull = 0;
  logs.forEach((log, i) => {
    const share = Math.exp(log - top);
    sum += share;
    pull -= (share * (x - law.means[i])) / law.variances[i];
  });
  return pull / sum;
}

function mixtureMoments({ weights, means, variances }) {
  const mean = weights.reduce((sum, w, i) => sum + w * means[i], 0);
  return { mean, variance: weights.reduce((sum, w, i) => sum + w * (variances[i] + (means[i] - mean) ** 2), 0) };
}

// The exact mean of x_0 given x_t, by Tweedie's formula.
function exactDenoiser(law, schedule) {
  let at = NaN, mixture = null;
  return (x, t) => {
    const gamma = schedule.gamma(t), sigma = schedule.sigma(t);
    if (t !== at) { at = t; mixture = mixtureAt(law, gamma, sigma); }
    return (x + sigma ** 2 * mixtureScore(x, mixture)) / gamma;
  };
}

// One number of a mixture, from a uniform one for the component and a normal one.
function drawFrom({ weights, means, variances }, uniform) {
  const u = uniform();
  let i = 0, sum = weights[0];
  while (u > sum && i < weights.length - 1) sum += weights[++i];
  return means[i] + Math.sqrt(variances[i]) * normalFrom(uniform);
}
