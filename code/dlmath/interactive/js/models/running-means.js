import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream, normalVector } from "./lehmer.js";

// What the gradient is on average at step i = 1, ..., n.
const SIGNALS = {
  "constant": () => 1,
  "drifting through zero": (i, n) => 1 - (2 * (i - 1)) / (n - 1),
  "silence, then one gradient": (i, n) => Number(i === n / 2),
  "growing, the worst case": (i, n, b1, b2) => (b1 > 0 ? (b2 / b1) ** (i - n) : Number(i === n)),
};

function gradients({ signal, noise, draw }, { steps }, b1, b2) {
  const xi = normalVector(normalStream(7919 * draw), steps);
  return Array.from(xi, (z, k) => SIGNALS[signal](k + 1, steps, b1, b2) + noise * z);
}

// Running means of g and of its square from zero; one minus beta^k is what their weights add up to.
function running(g, beta) {
  let mean = 0;
  return g.map((value) => (mean = beta * mean + (1 - beta) * value));
}
const share = (beta, k) => 1 - beta ** k;

// The largest step that k gradients can cause, over the learning rate: by Cauchy and Schwarz.
function bound(b1, b2, k) {
  if (b1 === 0 || k === 1) return b2 === 0 ? 1 : Math.sqrt(share(b2, k) / (1 - b2));
  if (b2 === 0) return Infinity;
  const r = (b1 * b1) / b2;
  const geometric = Math.abs(1 - r) < 1e-9 ? k : (1 - r ** k) / (1 - r);
  return ((1 - b1) / share(b1, k)) * Math.sqrt((geometric * share(b2, k)) / (1 - b2));
}

function adam(params, data) {
  const b1 = 1 - 1 / params.memory1, b2 = 1 - 1 / params.memory2;
  const g = gradients(params, data, b1, b2), m = running(g, b1), v = running(g.map((x) => x * x), b2);
  const corrected = m.map((x, k) => x / share(b1, k + 1));
  const root = v.map(Math.sqrt), rootCorrected = v.map((x, k) => Math.sqrt(x / share(b2, k + 1)));
  const over = (top, below) => top.map((x, k) => (below[k] > 0 ? x / below[k] : 0));
  return {
    b1, b2, g, m, corrected, root, rootCorrected,
    plain: over(m, root), step: over(corrected, rootCorrected),
    bound: g.map((_, k) => bound(b1, b2, k + 1)),
  };
}

const largest = (values) => Math.max(...values.map(Math.abs));

function compute(params, data) {
  const found = adam(params, data), at = found.g.map((_, k) => k + 1);
  const xlim = [0, data.steps + 1], reach = 1.15 * Math.max(largest(found.g), largest(found.rootCorrected), 1e-9);
  const length = 1.15 * Math.max(1, largest(found.plain), largest(found.step));
  const names = [["— corrected", 1], ["- - not corrected", 2]];
  const pair = (right, wrong) => [
    { type: "line", x: at, y: wrong, color: 2, width: 1.75, dash: "6 4" },
    { type: "line", x: at, y: right, color: 1, width: 2.25 },
  ];
  const panel = (ylabel, ylim, series, more = []) => ({
    xlabel: "step k", ylabel, xlim, ylim,
    series: [{ type: "line", x: xlim, y: [0, 0], color: "muted", width: 1 }, ...series, ...keys([...names, ...more], xlim[1], ylim[1])],
  });
  const low = -reach * Number(found.g.some((x) => x < 0)) - 0.05 * reach;
  const lowest = Math.min(0, ...found.plain, ...found.step) * 1.15 - 0.05 * length;
  return {
    panels: [
      panel("mean m", [low, reach], [{ type: "points", x: at, y: found.g, color: "muted", r: 2 }, ...pair(found.corrected, found.m)], [["● gradients", "muted"]]),
      panel("root of v", [-0.05 * reach, reach], pair(found.rootCorrected, found.root)),
      panel("step / η", [lowest, length], [{ type: "line", x: at, y: found.bound.map((b) => Math.min(b, 2 * length)), color: 3, width: 1.5, dash: "2 4" }, ...pair(found.step, found.plain)], [["· · bound", 3]]),
    ],
    readouts: [
      ["β₁, β₂", `${format(found.b1)}, ${format(found.b2, 4)}`],
      ["first step / η", `${format(found.step[0])} (not corrected ${format(found.plain[0])})`],
      ["longest step / η", `${format(largest(found.step))} (not corrected ${format(largest(found.plain))})`],
      ["bound after all steps", format(found.bound[data.steps - 1])],
    ],
  };
}

export default computedPlot({ compute });
