// Amplitudes of data and noise at a time between 0 and the end of a schedule, as in dlmath.diffusion.
const OFFSET = 0.008, cosineAngle = (t) => ((t + OFFSET) / (1 + OFFSET)) * (Math.PI / 2), FIRST_ANGLE = cosineAngle(0);

const SCHEDULES = {
  cosine: {
    end: 0.999,
    gamma: (t) => Math.cos(cosineAngle(t)) / Math.cos(FIRST_ANGLE),
    sigma: (t) => Math.sqrt(Math.sin(cosineAngle(t) - FIRST_ANGLE) * Math.sin(cosineAngle(t) + FIRST_ANGLE)) / Math.cos(FIRST_ANGLE),
  },
  "linear β": {
    end: 1,
    gamma: (t) => Math.exp(-(0.1 * t + 9.95 * t * t) / 2),
    sigma: (t) => Math.sqrt(-Math.expm1(-(0.1 * t + 9.95 * t * t))),
  },
  "straight line": { end: 0.999, gamma: (t) => 1 - t, sigma: (t) => t },
};

// Decreasing times from the end to 0, equally far apart.
const scheduleTimes = ({ end }, steps) => Array.from({ length: steps + 1 }, (_, k) => end * (1 - k / steps));
