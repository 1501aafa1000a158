import { SCHEDULES } from "./schedules.js";

// The schedules under the names that the reader sees.
const NOISE_SCHEDULES = { "linear rate": SCHEDULES.linear, cosine: SCHEDULES.cosine, "growing noise": SCHEDULES.exploding };

// A falling grid of steps + 1 times from the schedule's end to its beginning.
function fallingTimes(schedule, steps, spacing) {
  const { begin, end } = schedule, ratio = (t) => schedule.sigma(t) / schedule.gamma(t);
  const [scale, back] = {
    "equal time": [(t) => t, (value) => value],
    "equal log-SNR": [(t) => Math.log(ratio(t)), (value) => schedule.timeOfRatio(Math.exp(value))],
    "seventh root": [(t) => ratio(t) ** (1 / 7), (value) => schedule.timeOfRatio(value ** 7)],
  }[spacing];
  const high = scale(end), low = scale(begin);
  return Array.from({ length: steps + 1 }, (_, k) => (k === 0 ? end : k === steps ? begin : back(high + (k / steps) * (low - high))));
}
