import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";

const tent = (x, height) => height * (2 * Math.max(0, x) - 4 * Math.max(0, x - 0.5));

function composed(x, k, height) {
  let y = x;
  for (let j = 0; j < k; j++) y = tent(y, height);
  return y;
}

// The kinks of the composition on [0, 1], layer by layer: where a layer's input passes 1/2.
function nodes(k, height) {
  let x = [0, 1], y = [0, 1];
  for (let j = 0; j < k; j++) {
    const more = [];
    for (let i = 0; i < x.length; i++) {
      more.push(x[i]);
      const a = y[i] - 0.5, b = y[i + 1] - 0.5;
      if (i + 1 < x.length && a * b < 0) more.push(x[i] + (a / (a - b)) * (x[i + 1] - x[i]));
    }
    x = more;
    y = x.map((at) => composed(at, j + 1, height));
  }
  return { x, y };
}

// What m units in one layer can do: follow the first floor(m/2) teeth, then stay at one half.
function shallow(m, k) {
  const width = 2 ** (1 - k), teeth = Math.min(Math.floor(m / 2), 2 ** (k - 1));
  if (m >= 2 ** k - 1) return { ...nodes(k, 1), teeth: 2 ** (k - 1) };
  const x = [0], y = [teeth > 0 ? 0 : 0.5];
  for (let s = 0; s < teeth; s++) {
    x.push((s + 0.5) * width);
    y.push(1);
    x.push(s + 1 < teeth ? (s + 1) * width : (s + 0.75) * width);
    y.push(s + 1 < teeth ? 0 : 0.5);
  }
  return { x: [...x, 1], y: [...y, 0.5], teeth };
}

function interpolate({ x, y }) {
  let i = 0;
  return (at) => {
    while (i + 2 < x.length && x[i + 1] < at) i++;
    return y[i] + ((at - x[i]) / (x[i + 1] - x[i])) * (y[i + 1] - y[i]);
  };
}

// The mean of |f - T_k| over [0, 1], exactly: both are straight between neighbours of the list.
function distance(f, k) {
  const teeth = nodes(k, 1), cuts = [...new Set([...f.x, ...teeth.x])].sort((a, b) => a - b);
  const left = interpolate(f), right = interpolate(teeth), gaps = cuts.map((at) => left(at) - right(at));
  return gaps.slice(1).reduce((sum, b, i) => {
    const a = gaps[i], width = cuts[i + 1] - cuts[i];
    const height = a * b < 0 ? (a * a + b * b) / (2 * (Math.abs(a) + Math.abs(b))) : (Math.abs(a) + Math.abs(b)) / 2;
    return sum + width * height;
  }, 0);
}

const leastError = (k, m) => Math.max(0, 1 - m / 2 ** (k - 1)) / 4;

function slopesOf({ x, y }) {
  const slopes = x.slice(1).map((at, i) => (y[i + 1] - y[i]) / (at - x[i]));
  return slopes.filter((slope, i) => i === 0 || Math.abs(slope - slopes[i - 1]) > 1e-6 * 2 ** 10);
}

function state({ k, m, height }) {
  const deep = nodes(k, height), wide = shallow(m, k);
  return { deep, wide, pieces: slopesOf(deep).length, deepError: distance(deep, k), wideError: distance(wide, k), least: leastError(k, m) };
}

function toothPanel({ deep, wide }) {
  return {
    xlabel: "x", ylabel: "output", xlim: [0, 1], ylim: [-0.05, 1.12],
    series: [
      { type: "line", x: wide.x, y: wide.y, color: 2, width: 4 },
      { type: "line", x: deep.x, y: deep.y, color: 1, width: 1.5 },
      ...keys([["deep", 1], ["one hidden layer", 2]], 1, 1.12),
    ],
  };
}

function errorPanel({ wideError, deepError }, { k, m }, { most }) {
  const xlim = [1, most], ylim = [0, 0.5];
  const at = Array.from({ length: 161 }, (_, i) => most ** (i / 160));
  const sizes = [...new Set(at.map(Math.round))];
  return {
    xlabel: "units", ylabel: "distance", xscale: "log", xlim, ylim,
    series: [
      { type: "band", x: at, low: at.map(() => 0), high: at.map((size) => leastError(k, size)), color: 4, opacity: 0.25 },
      { type: "line", x: sizes, y: sizes.map((size) => distance(shallow(size, k), k)), color: 2, width: 2 },
      { type: "line", x: xlim, y: [0.25, 0.25], color: "muted", width: 1.5, dash: "2 4" },
      { type: "points", x: [m], y: [wideError], color: 2, r: 5 },
      { type: "points", x: [2 * k], y: [deepError], color: 1, r: 6 },
      ...keys([["·· constant", "muted"], ["one layer", 2], ["impossible", 4], ["deep", 1]], most, ylim[1]),
    ],
  };
}

function compute(params, data) {
  const found = state(params), { k, m } = params;
  return {
    panels: [toothPanel(found), errorPanel(found, params, data)],
    readouts: [
      ["teeth wanted", String(2 ** (k - 1))],
      ["deep: units, pieces", `${2 * k}, ${found.pieces}`],
      ["deep: distance", found.deepError < 1e-12 ? "0" : format(found.deepError)],
      ["one layer: teeth followed", String(found.wide.teeth)],
      ["one layer: distance", found.wideError < 1e-12 ? "0" : format(found.wideError)],
      ["one layer: impossible below", format(found.least)],
    ],
    message: found.least > 0.125 ? "with one layer of so many units more than half of the error of a constant remains" : undefined,
  };
}

const same = ({ k }) => ({ m: 2 * k });

export default computedPlot({ compute, actions: { same } });
