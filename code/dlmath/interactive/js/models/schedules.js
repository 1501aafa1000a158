// Schedules of dlmath.diffusion: amplitudes of data and noise, the drift f and the square g^2 of the
// equation with these laws (where a page asks for them), and the time at which sigma / gamma has a
// value.
const OFFSET = 0.008, RATE_MIN = 0.1, RATE_MAX = 20;

function cosineSchedule() {
  const angle = (t) => (((t + OFFSET) / (1 + OFFSET)) * Math.PI) / 2, first = angle(0);
  const rate = (t) => (Math.PI / (1 + OFFSET)) * Math.tan(angle(t));
  return {
    begin: 0.001, end: 0.999,
    gamma: (t) => Math.cos(angle(t)) / Math.cos(first),
    // cos^2 a - cos^2 b = sin(b - a) sin(b + a), which does not cancel.
    sigma: (t) => Math.sqrt(Math.sin(angle(t) - first) * Math.sin(angle(t) + first)) / Math.cos(first),
    drift: (t) => -rate(t) / 2,
    square: rate,
    timeOfRatio: (r) => (Math.acos(Math.cos(first) / Math.hypot(1, r)) * 2 * (1 + OFFSET)) / Math.PI - OFFSET,
  };
}

function linearSchedule() {
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

const SCHEDULES = {
  cosine: cosineSchedule(),
  linear: linearSchedule(),
  exploding: { begin: 0.002, end: 80, gamma: () => 1, sigma: (t) => t, drift: () => 0, square: (t) => 2 * t, timeOfRatio: (r) => r },
  straight: { begin: 0.001, end: 0.999, gamma: (t) => 1 - t, sigma: (t) => t, timeOfRatio: (r) => r / (1 + r) },
};
