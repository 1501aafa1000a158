import { normalFrom } from "./lehmer.js";

// Beads in a harmonic trap that jumps along; places are relative to the trap, energies in k_B T.
function startPull(count, h, uniform) {
  return { place: Float64Array.from({ length: count }, () => normalFrom(uniform) / Math.sqrt(h)), work: new Float64Array(count), jumps: 0 };
}

// One jump of the trap, and then the exact motion of the beads for a time.
function dragStep(pull, h, { jump, gap }, uniform) {
  const keep = Math.exp((-h * gap) / 2), kick = Math.sqrt((1 - keep * keep) / h);
  for (let i = 0; i < pull.place.length; i++) {
    pull.work[i] += (h / 2) * jump * jump - h * jump * pull.place[i];
    pull.place[i] = keep * (pull.place[i] - jump) + kick * normalFrom(uniform);
  }
  pull.jumps += 1;
}

// A distance at a speed, in jumps that take at most a given time.
function protocol({ distance, longest }, speed) {
  const duration = distance / speed, jumps = Math.ceil(duration / longest - 1e-9);
  return { jumps, jump: distance / jumps, gap: duration / jumps, duration };
}

// The mean work of these jumps; the work is Gaussian, with twice the mean as its variance.
function meanWork(h, { jumps, jump, gap }) {
  const keep = Math.exp((-h * gap) / 2);
  let lag = 0, mean = 0;
  for (let k = 0; k < jumps; k++) {
    mean += (h / 2) * jump * jump - h * jump * lag;
    lag = keep * (lag - jump);
  }
  return mean;
}

// Minus the logarithm of the running mean of exp(-W), at numbers of pulls in equal ratios.
class RunningEstimate {
  constructor() {
    this.n = 0;
    this.lowest = Infinity;
    this.sum = 0;
    this.next = 1;
    this.curve = { n: [], value: [] };
  }

  // The largest weight counts one in the sum.
  add(work) {
    if (work < this.lowest) {
      this.sum *= Math.exp(work - this.lowest);
      this.lowest = work;
    }
    this.sum += Math.exp(this.lowest - work);
    this.n += 1;
    if (this.n < this.next) return;
    this.curve.n.push(this.n);
    this.curve.value.push(this.value);
    this.next = Math.max(this.n + 1, Math.ceil(this.n * 1.05));
  }

  get value() { return this.lowest - Math.log(this.sum / this.n); }
}

const gaussian = (x, mean, variance) => Math.exp((-((x - mean) ** 2)) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);

// The outline of a histogram with the area one; what lies outside of the bins is not drawn.
function stairs(values, [low, high], bins) {
  const width = (high - low) / bins, counts = new Float64Array(bins);
  for (const value of values) {
    const bin = Math.floor((value - low) / width);
    if (bin >= 0 && bin < bins) counts[bin] += 1;
  }
  const x = [low], y = [0];
  counts.forEach((count, i) => {
    x.push(low + i * width, low + (i + 1) * width);
    y.push(...Array(2).fill(count / Math.max(values.length, 1) / width));
  });
  return { x: [...x, high], y: [...y, 0] };
}
