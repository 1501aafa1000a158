import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { NOISE_SCHEDULES, fallingTimes } from "./diffusion-rates.js";
import { BACK_STEPS, EVALUATIONS, betweenTimes } from "./back-steps.js";

const COUNTS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256], LOWEST = 1e-7, HIGHEST = 10, AT = 16;

const spreadAt = (schedule, nu, t) => Math.sqrt(schedule.gamma(t) ** 2 * nu + schedule.sigma(t) ** 2);
const wienerDenoiser = (schedule, nu) => (x, t) => (schedule.gamma(t) * nu * x) / spreadAt(schedule, nu, t) ** 2;

// The deviation in which a sampler ends: its map is linear, so noise adds in squares.
function endSpread(name, schedule, nu, times) {
  const denoise = wienerDenoiser(schedule, nu), memory = {};
  if (name !== "ancestral" && name !== "reverse equation") {
    let x = spreadAt(schedule, nu, times[0]);
    for (let k = 0; k + 1 < times.length; k++) x = BACK_STEPS[name](x, times[k], times[k + 1], { schedule, denoise, churn: 0, draw: () => 0 }, memory);
    return Math.abs(x);
  }
  let variance = spreadAt(schedule, nu, times[0]) ** 2;
  for (let k = 0; k + 1 < times.length; k++) {
    const given = { schedule, denoise, churn: 1 }, move = BACK_STEPS[name === "ancestral" ? "DDIM" : name], [t, u] = [times[k], times[k + 1]];
    variance = move(1, t, u, { ...given, draw: () => 0 }) ** 2 * variance + move(0, t, u, { ...given, draw: () => 1 }) ** 2;
  }
  return Math.sqrt(variance);
}

const SAMPLERS = ["DDIM", "Heun", "multistep", "ancestral", "reverse equation"];
const evaluationsOf = (name) => EVALUATIONS[name] ?? 1;

// Distance from the target after each number of steps, and the order at the finest ones.
function errorsOf(name, schedule, nu, spacing) {
  const errors = COUNTS.map((n) => Math.abs(endSpread(name, schedule, nu, fallingTimes(schedule, n, spacing)) - spreadAt(schedule, nu, schedule.begin)));
  const [a, b] = [COUNTS.length - 3, COUNTS.length - 1];
  return { errors, order: Math.log(errors[a] / errors[b]) / Math.log(COUNTS[b] / COUNTS[a]) };
}

// What DDIM reaches on the best of all grids, that of equal angles.
function bestDdim(schedule, nu, n) {
  const angle = (t) => Math.atan2(schedule.sigma(t), schedule.gamma(t) * Math.sqrt(nu));
  return spreadAt(schedule, nu, schedule.begin) * (1 - Math.cos((angle(schedule.end) - angle(schedule.begin)) / n) ** n);
}

function compute({ sd, schedule: name, spacing }) {
  const schedule = NOISE_SCHEDULES[name], nu = sd * sd, found = SAMPLERS.map((sampler) => [sampler, errorsOf(sampler, schedule, nu, spacing)]);
  const shown = (value) => Math.min(10 * HIGHEST, Math.max(LOWEST / 10, value)), best = COUNTS.map((n) => bestDdim(schedule, nu, n));
  const lines = found.map(([sampler, { errors }], i) => ({ type: "line", x: COUNTS.map((n) => n * evaluationsOf(sampler)), y: errors.map(shown), color: i + 1, width: 2 }));
  return {
    panels: [{
      xlabel: "evaluations of the denoiser", ylabel: "error", xscale: "log", yscale: "log", xlim: [2, 512], ylim: [LOWEST, HIGHEST],
      series: [
        { type: "line", x: COUNTS, y: best.map(shown), color: "ink", width: 1.5, dash: "5 4" },
        ...lines,
        ...keys([["DDIM", 1], ["Heun", 2], ["multistep", 3], ["ancestral", 4], ["reverse", 5]], 512, HIGHEST),
      ],
    }],
    readouts: found.map(([sampler, { errors, order }]) => [sampler, `order ${format(order, 3)}, at ${AT} evaluations ${format(errors[COUNTS.indexOf(AT / evaluationsOf(sampler))], 2)}`]),
  };
}

const actions = {};

export default computedPlot({ compute, actions });
