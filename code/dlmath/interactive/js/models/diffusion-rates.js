// Schedules of dlmath.diffusion: amplitudes of data and noise, and the equation with these laws.
const COSINE_OFFSET = 0.008, RATE_MIN = 0.1, RATE_MAX = 20;

function cosineRates() {
  const angle = (t) => (((t + COSINE_OFFSET) / (1 + COSINE_OFFSET)) * Math.PI) / 2, first = angle(0);
  const rate = (t) => (Math.PI / (1 + COSINE_OFFSET)) * Math.tan(angle(t));
  return {
    begin: 0.001, end: 0.999,
    gamma: (t) => Math.cos(angle(t)) / Math.cos(first),
    // cos^2 a - cos^2 b = sin(b - a) sin(b + a), which does not cancel.
    sigma: (t) => Math.sqrt(Math.sin(angle(t) - first) * Math.sin(angle(t) + first)) / Math.cos(first),
    drift: (t) => -rate(t) / 2,
    square: rate,
    timeOfRatio: (r) => (Math.acos(Math.cos(first) / Math.hypot(1, r)) * 2 * (1 + COSINE_OFFSET)) / Math.PI - COSINE_OFFSET,
  };
}

function linearRates() {
  const slope = RATE_MAX - RATE_MIN, integral = (t) => RATE_MIN * t + (slope * t * t) / 2, rate = (t) => RATE_MIN + slope * t;
  return {
    begin: 0.001, end: 1,
    gamma: (t) => Math.exp(-integral(t) / 2),
    sigma: (t) => Math.sqrt(-Math.expm1(-integral(t))),
    drift: (t) => -rate(t) / 2,
    square: rate,
    timeOfRatio: (r) => {
      const b = Math.log1p(r * r);
      return (2 * b) / (RATE_MIN + Math.sqrt(RATE_MIN ** 2 + 2 * slope * b));
    },
  };
}

const growingNoise = () => ({ begin: 0.002, end: 80, gamma: () => 1, sigma: (t) => t, drift: () => 0, square: (t) => 2 * t, timeOfRatio: (r) => r });

const NOISE_SCHEDULES = { "linear rate": linearRates(), cosine: cosineRates(), "growing noise": growingNoise() };

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
