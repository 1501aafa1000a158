import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { gammaQ } from "../special.js";

const METHODS = ["own error bars", "conformal, at random", "conformal, at the edges"];

// Probability that a standard normal number is between -z and z; and the z of a probability.
const centralProbability = (z) => 1 - gammaQ(0.5, (z * z) / 2);
function normalThreshold(level) {
  let low = 0, high = 9;
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// The k-th of n sorted scores, k the least with k / (n + 1) >= level; infinite if there is none.
function conformalThreshold(scores, level) {
  const k = Math.ceil(Number(((scores.length + 1) * level).toFixed(9)));
  return k <= scores.length ? scores[k - 1] : Infinity;
}

// How many of the sorted scores do not exceed the threshold.
function countBelow(scores, threshold) {
  let low = 0, high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] <= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Threshold, coverage of the test nuclides, and mean half-width in MeV.
function judge(part, method, level) {
  const { scores, bars, rawRatio } = part;
  const random = method === METHODS[1];
  const test = random ? scores.proper : scores.test;
  const threshold = method === METHODS[0]
    ? rawRatio * normalThreshold(level)
    : conformalThreshold(random ? scores.calibration : scores.edges, level);
  return {
    threshold,
    coverage: countBelow(test, threshold) / test.length,
    halfWidth: threshold * (random ? bars.proper : bars.test),
  };
}

function coveragePanel(part, method, level) {
  const levels = Array.from({ length: 49 }, (_, k) => 0.02 + 0.02 * k);
  const chosen = judge(part, method, level).coverage;
  return {
    xlabel: "level of the intervals", ylabel: "share that hold the truth", xlim: [0, 1], ylim: [0, 1.02],
    series: [
      { type: "line", x: [level, level], y: [0, 1.02], color: "line", width: 6 },
      { type: "line", x: [0, 1], y: [0, 1], color: "muted", width: 1.5, dash: "2 4" },
      ...METHODS.map((name, k) => ({
        type: "line", x: levels, y: levels.map((at) => judge(part, name, at).coverage), color: k + 1, width: name === method ? 3 : 1.5,
      })),
      { type: "points", x: [level], y: [chosen], color: METHODS.indexOf(method) + 1, r: 5.5 },
      ...keys([["own", 1], ["random", 2], ["edges", 3]], 1, 1.02),
    ],
  };
}

// A cumulative share as a staircase, its ends beyond the axis.
function staircase(scores, [low, high]) {
  const x = [low], y = [0];
  scores.forEach((score, i) => {
    const at = Math.min(Math.max(score, low), high);
    x.push(at, at);
    y.push(i / scores.length, (i + 1) / scores.length);
  });
  return { x: [...x, high], y: [...y, 1] };
}

function scorePanel(part, method, level, unit) {
  const { scores } = part, random = method === METHODS[1], xlim = unit === "MeV" ? [0.005, 10] : [0.02, 50];
  const { threshold } = judge(part, method, level);
  const own = Array.from({ length: 81 }, (_, k) => xlim[0] * (xlim[1] / xlim[0]) ** (k / 80));
  const believed = method === METHODS[0]
    ? { x: own, y: own.map((z) => centralProbability(z / part.rawRatio)) }
    : staircase(random ? scores.calibration : scores.edges, xlim);
  const colour = METHODS.indexOf(method) + 1, at = Math.min(threshold, xlim[1]);
  const name = method === METHODS[0] ? "— as believed" : "— calibration";
  return {
    xlabel: unit === "MeV" ? "error (MeV)" : "error in units of the bar", ylabel: "share below", xlim, xscale: "log", ylim: [0, 1.02],
    series: [
      { type: "line", x: [at, at], y: [0, 1.02], color: "line", width: 6 },
      { type: "line", x: [xlim[0], at], y: [level, level], color: "muted", width: 1.5, dash: "2 4" },
      { type: "line", ...believed, color: colour, width: 2.25 },
      { type: "line", ...staircase(random ? scores.proper : scores.test, xlim), color: "ink", width: 2.25 },
      ...keys([[name, colour], ["— test", "ink"]], xlim[1], 1.02),
    ],
  };
}

function compute({ model, test, method, level }, { models }) {
  const part = models[model].splits[test], found = judge(part, method, level);
  const unit = models[model].unit;
  return {
    panels: [coveragePanel(part, method, level), scorePanel(part, method, level, unit)],
    readouts: [
      ["level", `${format(100 * level)} %`],
      ["of the test nuclides inside", `${format(100 * found.coverage)} % of ${part.scores.test.length}`],
      [unit === "MeV" ? "threshold (MeV)" : "threshold (bars)", format(found.threshold)],
      ["mean half-width (MeV)", format(found.halfWidth)],
    ],
  };
}

export default computedPlot({ compute });
