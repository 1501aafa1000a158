import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { uniformStream } from "./lehmer.js";

const MODES = [[-2, -1], [2, -1], [0, 2.2]], WIDTH = 0.55, JITTER = 0.02, LENGTH = 1, NEIGHBOUR = 3;
const REPEATS = 20, FARTHEST = 10;
const NAMES = ["Fréchet distance", "kernel distance", "precision", "recall", "two-sample test", "memorisation"];

// Points from three humps, of which the third has the weight `hump` beside ones of weight 1.
function cloud(seed, n, { hump = 1, spread = 1, shift = 0 } = {}) {
  const uniform = uniformStream(7919 * seed);
  for (let i = 0; i < 10; i++) uniform();
  return Array.from({ length: n }, () => {
    const [x, y] = MODES[Math.min(2, Math.floor(uniform() * (2 + hump)))];
    const radius = spread * WIDTH * Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
    return [x + shift + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

// The training set, as many held-out data, and samples of which a share copies the training set.
function clouds(params) {
  const n = Math.round(params.n), train = cloud(1, n), heldOut = cloud(2, n);
  const own = cloud(3, n, params), noise = cloud(4, n, { hump: 0 });
  const fake = own.map((point, i) => (i >= Math.round(params.copies * n) ? point : train[i].map((v, j) => v + JITTER * Math.sin(7 * noise[i][j]))));
  return { train, heldOut, fake };
}

function squares(X, Y) {
  return X.map((x) => {
    const row = new Float64Array(Y.length);
    for (let j = 0; j < Y.length; j++) { const a = x[0] - Y[j][0], b = x[1] - Y[j][1]; row[j] = a * a + b * b; }
    return row;
  });
}
const sum = (values) => values.reduce((total, v) => total + v, 0);
const mean = (values) => sum(values) / values.length;

function moments(X) {
  const m = [0, 1].map((j) => mean(X.map((row) => row[j])));
  const S = [0, 1].map((i) => [0, 1].map((j) => sum(X.map((row) => (row[i] - m[i]) * (row[j] - m[j]))) / (X.length - 1)));
  return { m, S, det: S[0][0] * S[1][1] - S[0][1] * S[1][0], trace: S[0][0] + S[1][1] };
}

// Two positive numbers with product d and sum t: their roots have the square sum t + 2 root d.
function frechet(X, Y) {
  const a = moments(X), b = moments(Y);
  const product = sum([0, 1].map((i) => a.S[i][0] * b.S[0][i] + a.S[i][1] * b.S[1][i]));
  const cross = Math.sqrt(Math.max(0, product + 2 * Math.sqrt(Math.max(0, a.det * b.det))));
  return Math.max(0, (a.m[0] - b.m[0]) ** 2 + (a.m[1] - b.m[1]) ** 2 + a.trace + b.trace - 2 * cross);
}

// Loops, because the band needs sixty of these matrices.
function kernelSum(D) {
  let total = 0;
  for (const row of D) for (let j = 0; j < row.length; j++) total += Math.exp(-row[j] / (2 * LENGTH * LENGTH));
  return total;
}

function kernelDistance(FF, HH, FH) {
  const n = FF.length, m = HH.length;
  return (kernelSum(FF) - n) / (n * (n - 1)) + (kernelSum(HH) - m) / (m * (m - 1)) - (2 * kernelSum(FH)) / (n * m);
}

const turned = (D) => Array.from(D[0], (_, j) => { const column = new Float64Array(D.length); for (let i = 0; i < D.length; i++) column[i] = D[i][j]; return column; });
const radii = (D) => D.map((row) => Float64Array.from(row).sort()[NEIGHBOUR]);
// Rows are points, columns the centres of balls with these squared radii.
const inside = (D, r) => mean(D.map((row) => Number(row.some((d, j) => d <= r[j]))));
const nearer = (a, b) => mean(a.map((v, i) => (v < b[i] ? 1 : v === b[i] ? 0.5 : 0)));
const smallest = (row, but) => {
  let least = Infinity;
  for (let j = 0; j < row.length; j++) if (j !== but && row[j] < least) least = row[j];
  return least;
};
const nearest = (D) => D.map((row) => smallest(row, -1));
const nearestOther = (D) => D.map((row, i) => smallest(row, i));

function measures({ train, heldOut, fake }) {
  const FF = squares(fake, fake), HH = squares(heldOut, heldOut), FH = squares(fake, heldOut), HF = turned(FH);
  return [
    frechet(fake, heldOut),
    kernelDistance(FF, HH, FH),
    inside(FH, radii(HH)),
    inside(HF, radii(FF)),
    nearer([...nearestOther(FF), ...nearestOther(HH)], [...nearest(FH), ...nearest(HF)]),
    nearer(nearest(squares(fake, train)), nearest(FH)),
  ];
}

// What real data get: three independent clouds of one law, twenty times.
const bands = new Map();
function band(n) {
  if (!bands.has(n)) {
    const draws = Array.from({ length: REPEATS }, (_, i) => {
      const [fake, heldOut, train] = [0, 1, 2].map((part) => cloud(100 + 3 * i + part, n));
      return measures({ train, heldOut, fake });
    });
    bands.set(n, NAMES.map((_, k) => {
      const values = draws.map((draw) => draw[k]), centre = mean(values);
      return { mean: centre, sd: Math.sqrt(sum(values.map((v) => (v - centre) ** 2)) / (REPEATS - 1)) };
    }));
  }
  return bands.get(n);
}

const columns = (points) => ({ x: points.map((p) => p[0]), y: points.map((p) => p[1]) });

function compute(params) {
  const sets = clouds(params), found = measures(sets), real = band(Math.round(params.n));
  const scores = found.map((value, k) => (value - real[k].mean) / real[k].sd);
  const rows = scores.map((z, k) => ({ z: Math.max(-FARTHEST, Math.min(FARTHEST, z)), row: NAMES.length - 1 - k, off: Math.abs(z) > 2, beyond: Math.abs(z) > FARTHEST }));
  const points = (chosen, more) => ({ type: "points", x: chosen.map((r) => r.z), y: chosen.map((r) => r.row), r: 6, ...more });
  return {
    panels: [
      {
        xlabel: "first feature", ylabel: "second feature", xlim: [-4.6, 6.2], ylim: [-3.2, 4.6], equal: true,
        series: [
          { type: "points", ...columns(sets.train), color: "muted", r: 4.5, hollow: true },
          { type: "points", ...columns(sets.heldOut), color: 1, r: 3 },
          { type: "points", ...columns(sets.fake), color: 2, r: 3 },
          ...keys([["○ training", "muted"], ["● held out", 1], ["● samples", 2]], 6.2, 4.6),
        ],
      },
      {
        xlabel: "sd from what real data get", xlim: [-FARTHEST - 1, FARTHEST + 1], ylim: [-0.7, NAMES.length - 0.3],
        ynames: [...NAMES].reverse(),
        series: [
          { type: "band", x: [-2, 2], low: [-0.7, -0.7], high: [NAMES.length - 0.3, NAMES.length - 0.3], color: 3 },
          ...rows.map(({ z, row, off }) => ({ type: "line", x: [0, z], y: [row, row], color: off ? 2 : 3, width: 2 })),
          points(rows.filter((r) => !r.off), { color: 3 }),
          points(rows.filter((r) => r.off), { color: 2 }),
          ...rows.filter((r) => r.beyond).map(({ z, row }) => ({ type: "text", x: z, y: row, text: z > 0 ? "→" : "←", color: 2, anchor: "middle", dy: -9 })),
        ],
      },
    ],
    readouts: found.map((value, k) => [NAMES[k], `${format(value)} (real ${format(real[k].mean, 2)} ± ${format(real[k].sd, 2)})`]),
  };
}

const set = (change) => ({ n }) => ({ n, shift: 0, spread: 1, hump: 1, copies: 0, ...change });

export default computedPlot({
  compute,
  actions: { honest: set({}), copier: set({ copies: 1 }), forgetful: set({ hump: 0 }), timid: set({ spread: 0.5 }) },
});
