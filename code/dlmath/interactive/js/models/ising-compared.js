import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format, withError } from "../plot.js";

const SHOWN = 12, ACROSS = 4, GAP = 2;

// Hexadecimal digits hold four spins each, from the highest bit.
function unpack(text, size) {
  const spins = [...text].flatMap((digit) => [8, 4, 2, 1].map((bit) => (parseInt(digit, 16) & bit ? 1 : -1)));
  return Array.from({ length: spins.length / size ** 2 }, (_, k) => spins.slice(k * size ** 2, (k + 1) * size ** 2));
}

// What one configuration adds to the means: energy, |m|, m^2, products at each distance, and how many spins
// of each neighbourhood go along with it.
function sums(spins, size) {
  const at = (i, j) => spins[(i % size) * size + (j % size)], half = Math.floor(size / 2);
  const products = new Array(half + 1).fill(0), counts = [0, 0], along = [0, 0];
  let m = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const s = at(i, j), field = at(i + 1, j) + at(i - 1 + size, j) + at(i, j + 1) + at(i, j - 1 + size);
      m += s;
      for (let r = 0; r <= half; r++) products[r] += (s * (at(i + r, j) + at(i, j + r))) / 2;
      if (field !== 0) { const k = Math.abs(field) === 4 ? 1 : 0; counts[k]++; along[k] += s * Math.sign(field); }
    }
  }
  const sites = size ** 2;
  return [Math.abs(m / sites), (m / sites) ** 2, ...products.map((v) => v / sites), ...counts, ...along];
}

// The root of the sum over spins of h (s - tanh(K h)), which falls with K.
function thermometer(counts, along) {
  const excess = (K) => [2, 4].reduce((total, h, k) => total + h * (along[k] - counts[k] * Math.tanh(K * h)), 0);
  let low = -20, high = 20;
  if (!(excess(low) > 0)) return -Infinity;
  if (!(excess(high) < 0)) return Infinity;
  for (let k = 0; k < 60; k++) { const middle = (low + high) / 2; if (excess(middle) > 0) low = middle; else high = middle; }
  return (low + high) / 2;
}

function quantities(total, n, size, temperature) {
  const half = Math.floor(size / 2), [abs, square, ...rest] = total.map((v) => v / n);
  const products = rest.slice(0, half + 1), tail = rest.slice(half + 1);
  return { energy: -2 * products[1], abs, chi: (size ** 2 * square) / temperature, K: thermometer(tail.slice(0, 2), tail.slice(2)), correlation: products };
}

// Values and standard errors, from leaving out one configuration at a time.
function measured(sets, size, temperature) {
  const parts = sets.map((spins) => sums(spins, size)), n = parts.length;
  const total = parts[0].map((_, j) => parts.reduce((sum, part) => sum + part[j], 0));
  const whole = quantities(total, n, size, temperature);
  const without = parts.map((part) => quantities(total.map((v, j) => v - part[j]), n - 1, size, temperature));
  const spread = (pick) => {
    const values = without.map(pick), mean = values.reduce((a, b) => a + b, 0) / n;
    return Math.sqrt(((n - 1) / n) * values.reduce((sum, v) => sum + (v - mean) ** 2, 0));
  };
  const errors = Object.fromEntries(["energy", "abs", "chi", "K"].map((name) => [name, spread((q) => q[name])]));
  return { ...whole, errors: { ...errors, correlation: whole.correlation.map((_, r) => spread((q) => q.correlation[r])) } };
}

function picture(sets, size, title, color) {
  const step = size + GAP, x = [], y = [], fx = [], fy = [];
  const box = (xs, ys, left, top, w) => { xs.push(left, left + w, left + w, left, left, NaN); ys.push(top, top, top - w, top - w, top, NaN); };
  sets.forEach((spins, k) => {
    const left = (k % ACROSS) * step, top = -Math.floor(k / ACROSS) * step;
    box(fx, fy, left, top, size);
    spins.forEach((s, i) => { if (s > 0) box(x, y, left + (i % size), top - Math.floor(i / size), 1); });
  });
  const rows = Math.ceil(SHOWN / ACROSS);
  return {
    axes: false, equal: true, xlim: [-1, ACROSS * step - GAP + 1], ylim: [-rows * step + GAP - 1, 5],
    series: [
      { type: "region", x, y, color, opacity: 0.85 },
      { type: "line", x: fx, y: fy, color: "muted", width: 1 },
      { type: "text", x: 0, y: 1.6, text: title, color },
    ],
  };
}

function compute(params, data) {
  const k = Math.round(params.k) - 1, { size } = data, tau = data.temperatures[k], which = Math.round(params.page) - 1;
  const exact = data.exact[k], sets = [data.wolff, data[params.source === "the flow" ? "flow" : "independent"]].map((all) => unpack(all[k], size));
  const [truth, other] = sets.map((some) => measured(some, size, tau));
  const twelve = (some) => some.slice(SHOWN * which, SHOWN * (which + 1));
  const r = exact.correlation.map((_, i) => i), color = params.source === "the flow" ? 1 : 2;
  const bars = (set, shift) => set.correlation.map((v, i) => ({ type: "line", x: [i + shift, i + shift], y: [v - 2 * set.errors.correlation[i], v + 2 * set.errors.correlation[i]], color, width: 2 }));
  const line = (name, label, digits) => [label, `${show(other[name], other.errors[name])} (Wolff ${show(truth[name], truth.errors[name])}, exact ${format(exact[name], digits)})`];
  return {
    panels: [
      {
        xlabel: "distance", ylabel: "correlation of two spins", xlim: [-0.2, r[r.length - 1] + 0.2], ylim: [-0.15, 1.05],
        series: [
          { type: "line", x: r, y: exact.correlation, color: 3 },
          ...bars(other, 0),
          { type: "points", x: r, y: other.correlation, color, r: 4.5 },
          ...keys([["exact", 3], [params.source, color]], r[r.length - 1] + 0.2, 1.05),
        ],
      },
      picture(twelve(sets[0]), size, "Wolff's algorithm", 3),
      picture(twelve(sets[1]), size, params.source, color),
    ],
    readouts: [
      ["temperature", `${format(tau)} (critical ${format(data.critical, 4)})`],
      line("energy", "energy per spin"), line("abs", "mean of |m|"), line("chi", "susceptibility"), line("K", "thermometer, J/kT"),
    ],
  };
}

const show = (value, error) => (Number.isFinite(value) && error > 1e-9 && Number.isFinite(error) ? withError(value, error) : format(value));

export default computedPlot({ compute });
