import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { ddimBack } from "./back-steps.js";
import { normalFrom, uniformStream } from "./lehmer.js";

const CURVE = 161, GRID = 241, REACH = 3.2;

// Amplitudes at a logarithm of the signal-to-noise ratio, for a schedule that keeps the variance.
const amplitudes = (log) => ({ gamma: Math.sqrt(1 / (1 + Math.exp(-log))), sigma: Math.sqrt(1 / (1 + Math.exp(log))) });
const PRESERVING = { gamma: (log) => amplitudes(log).gamma, sigma: (log) => amplitudes(log).sigma };

// Half the log odds of the place +1: the field that the magnet feels.
const fieldOf = (share) => Math.log(share / (1 - share)) / 2;

const guess = (x, log, field) => {
  const { gamma, sigma } = amplitudes(log);
  return Math.tanh((gamma * x) / sigma ** 2 + field);
};

// Backward paths by ancestral steps along equal steps of the logarithm, with the same noise for each field.
function walk({ logs, beads, seed }, field) {
  const uniform = uniformStream(seed), draw = () => normalFrom(uniform), given = { schedule: PRESERVING, denoise: (x, log) => guess(x, log, field), churn: 1, draw };
  const paths = [Array.from({ length: beads }, draw)];
  for (let k = 1; k < logs.length; k++) paths.push(paths[k - 1].map((x) => ddimBack(x, logs[k - 1], logs[k], given)));
  return paths;
}

// All solutions of m = tanh(u m + h), increasing: one at most between neighbouring extrema of the difference.
function magnetisations(u, h) {
  const f = (m) => Math.tanh(u * m + h) - m, turn = u > 1 ? Math.acosh(Math.sqrt(u)) : 0;
  const inner = u > 1 ? [(-turn - h) / u, (turn - h) / u].filter((m) => Math.abs(m) < 1) : [];
  const ends = [-1.01, ...inner, 1.01], found = [];
  for (let i = 0; i + 1 < ends.length; i++) {
    let low = ends[i], high = ends[i + 1];
    const sign = f(low) > 0;
    if (sign === f(high) > 0) continue;
    for (let j = 0; j < 60; j++) {
      const middle = (low + high) / 2;
      if (f(middle) > 0 === sign) low = middle;
      else high = middle;
    }
    found.push((low + high) / 2);
  }
  return found;
}

const densityAt = (x, { gamma, sigma }, share) => [1, -1].reduce((sum, sign) => sum + (sign > 0 ? share : 1 - share) * Math.exp(-((x - sign * gamma) ** 2) / (2 * sigma ** 2)), 0) / (sigma * Math.sqrt(2 * Math.PI));

// The fork: humps and the valley between them against the logarithm.
function fork([low, high], field) {
  const branches = [{ x: [], y: [], dash: null }, { x: [], y: [], dash: "5 4" }, { x: [], y: [], dash: null }];
  for (let i = 0; i < CURVE; i++) {
    const log = low + (i * (high - low)) / (CURVE - 1), { gamma } = amplitudes(log), found = magnetisations(Math.exp(log), field);
    // A single hump belongs to the upper branch in a field, and to both without one.
    const three = found.length === 3 ? found : [field === 0 ? 0 : NaN, NaN, field === 0 ? 0 : found[0]];
    three.forEach((m, b) => { branches[b].x.push(log); branches[b].y.push(gamma * m); });
  }
  return branches;
}

function pathsPanel(paths, data, log, field) {
  const { logs, limits } = data, last = logs.findLastIndex((value) => value <= log + 1e-9);
  const ended = paths[paths.length - 1], shown = paths.slice(0, last + 1);
  const lines = ended.map((end, j) => ({ type: "line", x: logs.slice(0, last + 1), y: shown.map((row) => row[j]), color: end > 0 ? 1 : 3, width: 1 }));
  return {
    xlabel: "log SNR, from noise to data", ylabel: "bead x", xlim: limits, ylim: [-REACH, REACH],
    series: [
      ...lines,
      ...fork(limits, field).map((branch) => ({ type: "line", ...branch, color: 2, width: 2.5 })),
      { type: "line", x: [log, log], y: [-REACH, REACH], color: "ink", width: 1.25, dash: "3 3" },
    ],
  };
}

function densityPanel(beads, log, share, humps) {
  const at = amplitudes(log), x = Array.from({ length: GRID }, (_, i) => -REACH + (2 * REACH * i) / (GRID - 1));
  const y = x.map((value) => densityAt(value, at, share)), top = 1.15 * Math.max(...y);
  return {
    xlabel: "bead x", ylabel: "density", xlim: [-REACH, REACH], ylim: [-0.08 * top, top],
    series: [
      { type: "line", x, y, color: 2, width: 2 },
      { type: "points", x: humps.map((m) => at.gamma * m), y: humps.map((m) => densityAt(at.gamma * m, at, share)), r: 5, color: 2 },
      ...[[(b) => b > 0, 1], [(b) => b <= 0, 3]].map(([which, color]) => {
        const some = beads.filter(which);
        return { type: "points", x: some, y: some.map(() => -0.04 * top), r: 3, color };
      }),
    ],
  };
}

function magnetPanel(u, field, found) {
  const m = Array.from({ length: CURVE }, (_, i) => -1.5 + (3 * i) / (CURVE - 1));
  return {
    xlabel: "m = x / γ", ylabel: "guess of x₀", xlim: [-1.5, 1.5], ylim: [-1.2, 1.2],
    series: [
      { type: "line", x: [-1.5, 1.5], y: [-1.5, 1.5], color: "ink", width: 1.25 },
      { type: "line", x: m, y: m.map((value) => Math.tanh(u * value + field)), color: 1, width: 2 },
      { type: "points", x: found, y: found, r: 5, color: 2 },
      ...keys([["— tanh(u m + h)", 1], ["— m", "ink"]], 1.5, 1.2),
    ],
  };
}

function compute({ log, share }, data) {
  const field = fieldOf(share), u = Math.exp(log), found = magnetisations(u, field), paths = walk(data, field);
  const row = data.logs.findLastIndex((value) => value <= log + 1e-9), beads = paths[row];
  const sure = beads.filter((x) => Math.abs(guess(x, data.logs[row], field)) > 0.9).length;
  const humps = found.filter((_, i) => i % 2 === 0), { gamma } = amplitudes(log);
  return {
    panels: [pathsPanel(paths, data, log, field), densityPanel(beads, log, share, humps), magnetPanel(u, field, found)],
    readouts: [
      ["signal-to-noise ratio u", format(u)],
      ["γ², the share of the data", format(gamma ** 2)],
      ["humps", String(humps.length)],
      ["magnetisation m", humps.map((m) => format(Math.abs(m) < 1e-6 ? 0 : m)).join(", ")],
      ["beads that are 95 per cent sure", `${sure} of ${beads.length}`],
    ],
  };
}

const actions = { critical: () => ({ log: 0 }), fair: () => ({ share: 0.5 }) };

export default computedPlot({ compute, actions });
