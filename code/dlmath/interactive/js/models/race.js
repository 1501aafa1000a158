import { cosineDecay, freshOptimizer, inverseDecay, optimizerStep, warmUp } from "./optimizers.js";
import { normal, randomStream } from "./random.js";

// The race of the optimisers: every method from one start on one surface.

const RACERS = {
  "gradient-descent": { name: "gradient descent", short: "GD", color: "ink" },
  momentum: { name: "momentum", short: "momentum", color: 1 },
  nesterov: { name: "Nesterov", short: "Nesterov", color: 1, dash: "7 4" },
  adagrad: { name: "AdaGrad", short: "AdaGrad", color: 3 },
  rmsprop: { name: "RMSprop", short: "RMSprop", color: 3, dash: "7 4" },
  adam: { name: "Adam", short: "Adam", color: 2 },
  "adam-uncorrected": { name: "Adam, not corrected", short: "Adam n. c.", color: 2, dash: "7 4" },
  newton: { name: "Newton (η = 1)", short: "Newton", color: 4 },
};

// The rate in the course of a race of so many steps.
const RATE_SCHEDULES = {
  constant: { name: "constant", make: (eta) => eta },
  inverse: { name: "η/(1 + 10k/K)", make: (eta, steps) => inverseDecay(eta, 10 / steps) },
  cosine: { name: "half a cosine to 0", make: (eta, steps) => cosineDecay(eta, steps) },
  "warm-up": { name: "warm-up, then cosine", make: (eta, steps) => warmUp(cosineDecay(eta, steps), Math.ceil(steps / 10)) },
};

// From 1e-4 to 10, five in each power of ten.
const RATES = Array.from({ length: 26 }, (_, i) => 10 ** (i / 5 - 4));
const TOO_HIGH = 1e6, SMALL = 1e-14;

// Normal numbers for the noise of the gradient: the same for all methods.
function raceNoise(steps, seed) {
  const random = randomStream(seed);
  return Array.from({ length: steps }, () => [normal(random), normal(random)]);
}

// H^{-1} g by Cramer's rule; not finite where H is singular.
function newtonDirection([[a, b], [, d]], [g, h]) {
  const determinant = a * d - b * b;
  return [(d * g - b * h) / determinant, (a * h - b * g) / determinant];
}

// The places that a method visits, and the excess of their costs over the least; it has diverged
// at the step after which no more are kept.
function raceOne(method, surface, start, { eta, momentum, schedule, noise, draws, steps }) {
  const x = [...start], state = freshOptimizer([x]);
  const settings = { eta: RATE_SCHEDULES[schedule].make(eta, steps), momentum, beta1: momentum, biasCorrection: method !== "adam-uncorrected" };
  const excess = () => Math.max(0, surface.cost(x) - surface.least);
  const path = [[x[0], x[1]]], costs = [excess()], limit = TOO_HIGH * (1 + costs[0]);
  for (let k = 0; k < steps; k++) {
    const gradient = surface.gradient(x);
    if (noise) for (const i of [0, 1]) gradient[i] += noise * draws[k][i];
    if (method === "newton") newtonDirection(surface.hessian(x), gradient).forEach((d, i) => { x[i] -= d; });
    else optimizerStep(settings.biasCorrection ? method : "adam", settings, state, [x], [gradient]);
    const now = excess();
    if (!(now < limit)) return { path, costs, eta, diverged: k + 1 };
    path.push([x[0], x[1]]);
    costs.push(now);
  }
  return { path, costs, eta, diverged: null };
}

// The mean excess in the last tenth of the race; where that is nothing, what was fast is better.
// What has been a hundred times as high as the start is out of the question.
function raceScore({ costs, diverged }) {
  if (diverged || costs.some((cost) => cost > 100 * costs[0])) return Infinity;
  const late = costs.slice(-Math.max(1, Math.floor(costs.length / 10)));
  const mean = late.reduce((sum, cost) => sum + cost, 0) / late.length;
  return mean > SMALL ? mean : (SMALL * costs.findIndex((cost) => cost <= SMALL)) / costs.length;
}

// The race at that rate of a list at which the score is best.
function raceTuned(method, surface, start, settings) {
  let best = null, least = Infinity;
  for (const eta of method === "newton" ? [1] : RATES) {
    const run = raceOne(method, surface, start, { ...settings, eta }), score = raceScore(run);
    if (!best || score < least) [best, least] = [run, score];
  }
  return best;
}

function raceAll(methods, surface, start, settings, tuned) {
  return methods.map((method) => ({ method, ...(tuned ? raceTuned : raceOne)(method, surface, start, settings) }));
}

// The runs as they stand after k steps, the lowest cost first, the diverged last.
function standings(runs, k) {
  const at = (run) => (run.diverged && run.diverged <= k ? Infinity : run.costs[k]);
  return runs.map((run) => ({ ...run, now: at(run) })).sort((a, b) => a.now - b.now);
}
