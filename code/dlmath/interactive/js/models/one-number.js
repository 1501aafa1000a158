import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { spaced, total } from "./rotated.js";

// All minimisers of the pinball cost: one number, or the interval between two neighbours.
function quantiles(sorted, level) {
  const rank = level * sorted.length, whole = Math.round(rank);
  if (Math.abs(rank - whole) < 1e-9) return [sorted[whole - 1], sorted[whole]];
  const at = sorted[Math.ceil(rank) - 1];
  return [at, at];
}

function costs(values, c, level) {
  const mean = (of) => total(values.map((y) => of(y - c))) / values.length;
  return {
    squared: mean((u) => u * u),
    absolute: mean(Math.abs),
    pinball: mean((u) => Math.max(level * u, (level - 1) * u)),
  };
}

function summarise({ last, level }, { values }) {
  const sorted = [...values, last].sort((a, b) => a - b);
  return { sorted, mean: total(sorted) / sorted.length, median: quantiles(sorted, 0.5), quantile: quantiles(sorted, level) };
}

const middle = ([low, high]) => (low + high) / 2;

function costPanel({ last, level }, { sorted, mean, median, quantile }, { values, limits, xlabel }) {
  const at = spaced(...limits, 161), curves = at.map((c) => costs(sorted, c, level));
  const top = 1.15 * Math.max(costs(sorted, mean, level).squared, 1.9 * costs(sorted, middle(median), level).absolute);
  const line = (name, color) => ({ type: "line", x: at, y: curves.map((cost) => (cost[name] > top ? NaN : cost[name])), color, width: 2 });
  const foot = (c, name, color) => ({ type: "points", x: [c], y: [costs(sorted, c, level)[name]], color, r: 5 });
  return {
    xlabel, ylabel: "cost of the one number c", xlim: limits, ylim: [-0.09 * top, top],
    series: [
      line("squared", 1), line("absolute", 2), line("pinball", 3),
      foot(mean, "squared", 1), foot(middle(median), "absolute", 2), foot(middle(quantile), "pinball", 3),
      { type: "points", x: values, y: values.map(() => -0.04 * top), color: "ink", r: 3 },
      { type: "points", x: [last], y: [-0.04 * top], color: 4, r: 5 },
      ...keys([["squared", 1], ["absolute", 2], ["pinball", 3]], limits[1], top),
    ],
  };
}

// Steps of height 1/n, drawn with their vertical parts.
function staircase(sorted, [low, high]) {
  const x = [low], y = [0];
  sorted.forEach((value, i) => { x.push(value, value); y.push(i / sorted.length, (i + 1) / sorted.length); });
  return { x: [...x, high], y: [...y, 1] };
}

function sharePanel({ level }, { sorted, median, quantile }, { limits, xlabel }) {
  return {
    xlabel, ylabel: "share of values ≤ c", xlim: limits, ylim: [-0.04, 1.08],
    series: [
      { type: "line", ...staircase(sorted, limits), color: "ink", width: 1.75 },
      { type: "line", x: limits, y: [0.5, 0.5], color: 2, width: 1.25, dash: "3 4" },
      { type: "line", x: limits, y: [level, level], color: 3, width: 1.25, dash: "6 4" },
      { type: "points", x: [middle(median)], y: [0.5], color: 2, r: 5 },
      { type: "points", x: [middle(quantile)], y: [level], color: 3, r: 5 },
    ],
  };
}

function compute(params, data) {
  const state = summarise(params, data);
  const shown = ([low, high]) => (low === high ? format(low) : `any from ${format(low)} to ${format(high)}`);
  return {
    panels: [costPanel(params, state, data), sharePanel(params, state, data)],
    readouts: [
      ["mean (squared)", format(state.mean)],
      ["median (absolute)", shown(state.median)],
      ["quantile (pinball)", shown(state.quantile)],
    ],
  };
}

export default computedPlot({ compute });
