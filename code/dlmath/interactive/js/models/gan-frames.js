import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { regionAbove } from "./contour.js";

const LEAST_SHARE = 0.02, WIDTHS = 3, LEVELS = [[0, 0.12], [0.25, 0.12], [0.75, 0.14]];

// Signed bytes from base64, times a unit.
function decodeBytes(text, unit) {
  const bytes = atob(text);
  return Float64Array.from({ length: bytes.length }, (_, i) => unit * (bytes.charCodeAt(i) << 24 >> 24));
}

// Frame k of a run: its samples, and the log odds on the square grid with rows of equal y.
function frameOf(run, k, { limit, count, cells, oddsLimit }) {
  const flat = decodeBytes(run.samples, limit / 127), grid = decodeBytes(run.odds, oddsLimit / 127);
  const samples = Array.from({ length: count }, (_, i) => [flat[2 * (k * count + i)], flat[2 * (k * count + i) + 1]]);
  const at = Array.from({ length: cells }, (_, i) => -limit + (2 * limit * i) / (cells - 1));
  const values = at.map((_, i) => Array.from(grid.slice((k * cells + i) * cells, (k * cells + i + 1) * cells)));
  return { samples, at, values };
}

// The share of samples near a mode, and how many modes have their part of them.
function measure(samples, { modes, sd }) {
  const found = new Array(modes.length).fill(0);
  for (const [x, y] of samples) {
    const distances = modes.map(([u, v]) => Math.hypot(x - u, y - v)), nearest = distances.indexOf(Math.min(...distances));
    if (distances[nearest] < WIDTHS * sd) found[nearest] += 1;
  }
  const near = found.reduce((sum, n) => sum + n, 0);
  return { share: near / samples.length, modes: found.filter((n) => n >= LEAST_SHARE * samples.length).length };
}

const circle = ([u, v], r) => {
  const angles = Array.from({ length: 41 }, (_, i) => (Math.PI * i) / 20);
  return { x: [...angles.map((a) => u + r * Math.cos(a)), NaN], y: [...angles.map((a) => v + r * Math.sin(a)), NaN] };
};

function planePanel({ samples, at, values }, { modes, sd, limit }) {
  const circles = modes.map((mode) => circle(mode, WIDTHS * sd));
  return {
    xlabel: "", ylabel: "shaded where the discriminator says real", xlim: [-limit, limit], ylim: [-limit, limit], equal: true,
    series: [
      ...LEVELS.map(([level, opacity]) => ({ type: "region", ...regionAbove({ at, values }, level), color: 2, opacity })),
      { type: "line", x: circles.flatMap(({ x }) => x), y: circles.flatMap(({ y }) => y), color: "ink", width: 1.25 },
      { type: "points", x: samples.map(([x]) => x), y: samples.map(([, y]) => y), r: 3, color: 1 },
    ],
  };
}

function historyPanel(measured, steps, k) {
  const last = steps[steps.length - 1];
  return {
    xlabel: "training steps", ylabel: "modes found, of 8", xlim: [0, last], ylim: [0, 9],
    series: [
      { type: "line", x: [steps[k], steps[k]], y: [0, 9], color: "ink", width: 1.25, dash: "4 4" },
      { type: "line", x: steps, y: measured.map(({ share }) => 8 * share), color: 2, width: 1.75, dash: "6 4" },
      { type: "line", x: steps, y: measured.map(({ modes }) => modes), color: 1, width: 1.75 },
      { type: "points", x: [steps[k]], y: [measured[k].modes], r: 5, color: 1 },
      ...keys([["— modes", 1], ["- - 8 × share near a mode", 2]], last, 9),
    ],
  };
}

// Every frame of a run is measured once.
const history = new WeakMap();
function measureAll(run, data) {
  if (!history.has(run)) history.set(run, data.steps.map((_, k) => measure(frameOf(run, k, data).samples, data)));
  return history.get(run);
}

function compute({ run: name, frame }, data) {
  const run = data.runs.find((one) => one.name === name), k = Math.round(frame) - 1;
  const measured = measureAll(run, data);
  return {
    panels: [planePanel(frameOf(run, k, data), data), historyPanel(measured, data.steps, k)],
    readouts: [
      ["training steps", String(data.steps[k])],
      ["modes found", `${measured[k].modes} of ${data.modes.length}`],
      ["samples within three standard deviations of a mode", `${Math.round(100 * measured[k].share)} %`],
    ],
  };
}

export default computedPlot({ compute });
