import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

// A step of the logistic function, without overflow.
const logistic = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

const swing = (periods) => (h) => 2 * Math.sin(Math.min(Math.PI * periods * h, Math.PI / 2));
// What can be followed on [0, 1]: the function, and how much it changes over a distance h.
const TARGETS = {
  wave: [(x) => Math.sin(2 * Math.PI * x), swing(1)],
  fast: [(x) => Math.sin(8 * Math.PI * x), swing(4)],
  kink: [(x) => Math.abs(x - 0.4), (h) => Math.min(h, 0.6)],
  root: [Math.sqrt, (h) => Math.sqrt(Math.min(h, 1))],
  saw: [(x) => (x < 0.45 ? x : x - 1), null],
};

const nodes = (f, m) => Array.from({ length: m + 1 }, (_, j) => f(j / m));

// f(0) plus m steps, half-way between the nodes.
function bumpNetwork(values, q, x) {
  const m = values.length - 1;
  let sum = values[0];
  for (let j = 1; j <= m; j++) sum += (values[j] - values[j - 1]) * logistic(q * (x - (j - 0.5) / m));
  return sum;
}

// The step at the left end of the bump j less the one at its right end.
function bump(j, m, q, x) {
  const left = j === 0 ? 1 : logistic(q * (x - (j - 0.5) / m));
  return left - (j === m ? 0 : logistic(q * (x - (j + 0.5) / m)));
}

// The largest error at the ends and the middles of equal cells and on both sides of the jump, and
// the root of the mean square at the middles.
function bumpErrors([f], jump, m, q, cells) {
  const values = nodes(f, m), miss = (x) => Math.abs(bumpNetwork(values, q, x) - f(x));
  let square = 0, largest = jump ? Math.max(miss(jump - 1e-12), miss(jump + 1e-12)) : 0;
  for (let i = 0; i <= 2 * cells; i++) {
    const error = miss(i / (2 * cells));
    if (i % 2) square += error * error;
    largest = Math.max(largest, error);
  }
  return { sup: largest, rms: Math.sqrt(square / cells) };
}

// These moduli are concave, so the bound has no factor 2.
const bumpBound = ([, modulus], m, q) => (modulus ? modulus(1 / (2 * m) + (2 * Math.log(2)) / q) : NaN);

function bumpPicture({ m, q }, target, { points, bumps }, { ylim, jump }) {
  const [f] = target, values = nodes(f, m);
  const x = Array.from({ length: points + 1 }, (_, i) => i / points);
  const truth = x.map((at, i) => (jump && Math.abs(at - jump) < 0.4 / points ? NaN : f(at)));
  const own = m > bumps ? [] : values.map((value, j) => ({
    type: "line", x: x.filter((_, i) => i % 3 === 0), y: x.filter((_, i) => i % 3 === 0).map((at) => value * bump(j, m, q, at)), color: 3, width: 1.25,
  }));
  return {
    xlabel: "x", ylabel: "value", xlim: [0, 1], ylim,
    series: [
      ...own,
      { type: "line", x, y: truth, color: "muted", width: 2, dash: "6 4" },
      { type: "line", x, y: x.map((at) => bumpNetwork(values, q, at)), color: 1, width: 2.5 },
      ...keys([["- - function", "muted"], ["— network", 1], ...(own.length ? [["— bumps", 3]] : [])], 1, ylim[1]),
    ],
  };
}

function errorCurves({ m, q, grow }, target, { widths, cells, errors }, { jump }) {
  const steep = (width) => (grow ? (q / m) * width : q);
  const found = widths.map((width) => bumpErrors(target, jump, width, steep(width), cells));
  const here = bumpErrors(target, jump, m, q, cells);
  const bounds = widths.map((width) => bumpBound(target, width, steep(width)));
  const clip = (value) => (value > errors[1] ? NaN : Math.max(value, errors[0]));
  return {
    xlabel: "width m", ylabel: "error", xscale: "log", yscale: "log", xlim: [widths[0] / 1.1, widths.at(-1) * 1.1], ylim: errors,
    series: [
      ...(jump ? [{ type: "line", x: [widths[0], widths.at(-1)], y: [0.5, 0.5], color: "muted", width: 1.5, dash: "2 4" }] : []),
      { type: "line", x: widths, y: bounds.map(clip), color: "muted", width: 1.75, dash: "6 4" },
      { type: "line", x: widths, y: found.map(({ sup }) => clip(sup)), color: 2 },
      { type: "line", x: widths, y: found.map(({ rms }) => clip(rms)), color: 1 },
      { type: "points", x: [m], y: [clip(here.sup)], color: 2, r: 4.5 },
      { type: "points", x: [m], y: [clip(here.rms)], color: 1, r: 4.5 },
      ...keys([jump ? ["· · half the jump", "muted"] : ["- - bound", "muted"], ["— largest", 2], ["— root mean square", 1]], widths.at(-1) * 1.1, errors[1]),
    ],
  };
}

function compute(params, data) {
  const kind = data.targets[params.target], target = TARGETS[kind.name];
  const { sup, rms } = bumpErrors(target, kind.jump, params.m, params.q, data.cells);
  const bound = bumpBound(target, params.m, params.q);
  return {
    panels: [bumpPicture(params, target, data, kind), errorCurves(params, target, data, kind)],
    readouts: [
      ["largest error", format(sup)],
      ["root mean square error", format(rms)],
      kind.jump ? ["no network gets below", "0.500"] : ["bound of the theorem", format(bound)],
    ],
  };
}

export default computedPlot({ compute });
