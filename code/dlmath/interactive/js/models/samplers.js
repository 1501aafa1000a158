// Schedules and samplers of dlmath.diffusion. States are Float64Arrays, rows one after the other; a
// denoiser is (x, t) => estimate of x_0; diffusion time counts from the data.

const OFFSET = 0.008, BETA_MIN = 0.1, BETA_MAX = 20;

function cosineSchedule() {
  const angle = (t) => (((t + OFFSET) / (1 + OFFSET)) * Math.PI) / 2, first = angle(0);
  return {
    begin: 0.001, end: 0.999,
    gamma: (t) => Math.cos(angle(t)) / Math.cos(first),
    // cos^2 a - cos^2 b = sin(b - a) sin(b + a) does not cancel.
    sigma: (t) => Math.sqrt(Math.sin(angle(t) - first) * Math.sin(angle(t) + first)) / Math.cos(first),
    timeOf: (ratio) => (Math.acos(Math.cos(first) / Math.hypot(1, ratio)) * 2 * (1 + OFFSET)) / Math.PI - OFFSET,
  };
}

function linearSchedule() {
  const slope = BETA_MAX - BETA_MIN, integral = (t) => BETA_MIN * t + (slope * t ** 2) / 2;
  return {
    begin: 0.001, end: 1,
    gamma: (t) => Math.exp(-integral(t) / 2),
    sigma: (t) => Math.sqrt(-Math.expm1(-integral(t))),
    timeOf: (ratio) => {
      const b = Math.log1p(ratio ** 2);
      return (2 * b) / (BETA_MIN + Math.sqrt(BETA_MIN ** 2 + 2 * slope * b));
    },
  };
}

const explodingSchedule = () => ({ begin: 0.002, end: 80, gamma: () => 1, sigma: (t) => t, timeOf: (ratio) => ratio });

export const straightSchedule = () => ({ begin: 0.001, end: 0.999, gamma: (t) => 1 - t, sigma: (t) => t, timeOf: (ratio) => ratio / (1 + ratio) });

export const SCHEDULES = { cosine: cosineSchedule, linear: linearSchedule, exploding: explodingSchedule, straight: straightSchedule };

// A falling grid of steps + 1 times, the last of them 0: even in the time, or in a root of the
// ratio of noise to data ("power").
export function timeGrid(schedule, steps, spacing = "power") {
  if (spacing === "uniform") return Array.from({ length: steps + 1 }, (_, k) => schedule.end * (1 - k / steps));
  const root = (t) => (schedule.sigma(t) / schedule.gamma(t)) ** (1 / 7);
  const high = root(schedule.end), low = root(schedule.begin);
  const inner = Array.from({ length: steps }, (_, k) => schedule.timeOf((high + (steps > 1 ? k / (steps - 1) : 0) * (low - high)) ** 7));
  if (steps > 1) inner[steps - 1] = schedule.begin;
  inner[0] = schedule.end;
  return [...inner, 0];
}

// One step from t to s < t. Each also gives its estimate of x_0 at t: { x, estimate }.

export function ddimStep(denoise, x, schedule, t, s) {
  const estimate = denoise(x, t), keep = schedule.sigma(s) / schedule.sigma(t);
  const add = schedule.gamma(s) - keep * schedule.gamma(t);
  return { x: x.map((value, i) => keep * value + add * estimate[i]), estimate };
}

export function heunStep(denoise, x, schedule, t, s) {
  const slope = (z, estimate, time) => z.map((value, i) => (value - schedule.gamma(time) * estimate[i]) / schedule.sigma(time));
  const step = schedule.sigma(s) / schedule.gamma(s) - schedule.sigma(t) / schedule.gamma(t), ends = schedule.gamma(s);
  const estimate = denoise(x, t), first = slope(x, estimate, t), scaled = x.map((value) => value / schedule.gamma(t));
  const ahead = scaled.map((value, i) => ends * (value + step * first[i]));
  if (s === 0) return { x: ahead, estimate };
  const second = slope(ahead, denoise(ahead, s), s);
  return { x: scaled.map((value, i) => ends * (value + (step * (first[i] + second[i])) / 2)), estimate };
}

// Along the velocity (estimate - x) / t of the straight line.
export function eulerStep(denoise, x, schedule, t, s) {
  const estimate = denoise(x, t), share = (t - s) / t;
  return { x: x.map((value, i) => value + share * (estimate[i] - value)), estimate };
}

export function midpointStep(denoise, x, schedule, t, s) {
  const half = (t + s) / 2, { x: ahead, estimate } = eulerStep(denoise, x, schedule, t, half);
  const there = denoise(ahead, half), share = (t - s) / half;
  return { x: x.map((value, i) => value + share * (there[i] - ahead[i])), estimate };
}

export const STEPS = { ddim: ddimStep, heun: heunStep, euler: eulerStep, midpoint: midpointStep };

// All states along a grid of times, the first included.
export function samplePath(step, denoise, x, schedule, times) {
  const states = [Float64Array.from(x)];
  for (let k = 1; k < times.length; k++) states.push(step(denoise, states[k - 1], schedule, times[k - 1], times[k]).x);
  return states;
}
