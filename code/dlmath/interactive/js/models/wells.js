import { normalFrom } from "./lehmer.js";

// Walkers and the density of Langevin's equation in a double well, E = B (x^2 - 1)^2.
const RAN_AWAY = 50;
const wellEnergy = (B, x) => B * (x * x - 1) ** 2;
const wellSlope = (B, x) => 4 * B * x * (x * x - 1);

// One step of every walker; gives the number of those that moved. Who has run away is NaN.
function wellsStep(walkers, { barrier, eta, adjust }, uniform) {
  let moved = 0;
  for (let i = 0; i < walkers.length; i++) {
    const x = walkers[i];
    if (Number.isNaN(x)) continue;
    const before = wellSlope(barrier, x);
    const y = x - (eta / 2) * before + Math.sqrt(eta) * normalFrom(uniform);
    if (adjust) {
      const after = wellSlope(barrier, y);
      const ratio = wellEnergy(barrier, x) - wellEnergy(barrier, y) + ((y - x) * (before + after)) / 2 + (eta / 8) * (before ** 2 - after ** 2);
      if (!(Math.log(uniform()) < ratio)) continue;
    }
    walkers[i] = Math.abs(y) < RAN_AWAY ? y : NaN;
    moved += 1;
  }
  return moved;
}

function cells(low, high, count) {
  const width = (high - low) / (count - 1);
  return { width, x: Float64Array.from({ length: count }, (_, i) => low + i * width) };
}

const bernoulli = (u) => (Math.abs(u) < 1e-6 ? 1 - u / 2 : u / Math.expm1(u));

// Rates between neighbouring cells, in detailed balance with exp(-E) on every grid.
function wellRates(barrier, { x, width }) {
  const climb = Array.from({ length: x.length - 1 }, (_, i) => wellEnergy(barrier, x[i + 1]) - wellEnergy(barrier, x[i]));
  return { up: climb.map((u) => bernoulli(u) / (2 * width * width)), down: climb.map((u) => bernoulli(-u) / (2 * width * width)) };
}

// One implicit step, (1 - gap L) p' = p: a tridiagonal system that loses no probability.
function densityStep(p, { up, down }, gap) {
  const n = p.length, factor = new Float64Array(n), right = new Float64Array(n), next = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const below = i > 0 ? -gap * up[i - 1] : 0, above = i < n - 1 ? -gap * down[i] : 0;
    const diagonal = 1 + gap * ((up[i] ?? 0) + (i > 0 ? down[i - 1] : 0)) - below * (i > 0 ? factor[i - 1] : 0);
    factor[i] = above / diagonal;
    right[i] = (p[i] - below * (i > 0 ? right[i - 1] : 0)) / diagonal;
  }
  for (let i = n - 1; i >= 0; i--) next[i] = right[i] - (i < n - 1 ? factor[i] * next[i + 1] : 0);
  return next;
}

// The density a step of the walkers later, by shorter steps.
function densityAfter(p, rates, eta, longest) {
  const parts = Math.ceil(eta / longest - 1e-9);
  for (let k = 0; k < parts; k++) p = densityStep(p, rates, eta / parts);
  return p;
}

function boltzmann(barrier, { x, width }) {
  const weights = x.map((at) => Math.exp(-wellEnergy(barrier, at)));
  const sum = weights.reduce((a, b) => a + b, 0) * width;
  return weights.map((w) => w / sum);
}

// Mean square and the share on the right, of a density and of those walkers that are left.
function momentsOfDensity(p, { x, width }) {
  let square = 0, share = 0;
  p.forEach((value, i) => { square += x[i] ** 2 * value * width; share += (x[i] > 0 ? 1 : x[i] === 0 ? 0.5 : 0) * value * width; });
  return { square, share };
}

function momentsOfWalkers(walkers) {
  const left = walkers.filter((x) => !Number.isNaN(x)), n = Math.max(left.length, 1);
  let square = 0, share = 0;
  for (const x of left) { square += (x * x) / n; share += Number(x > 0) / n; }
  return { square, share, lost: walkers.length - left.length };
}
