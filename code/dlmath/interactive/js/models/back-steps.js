// One step from the time t to a time u nearer to the data, for one number. denoise(x, t) estimates
// x_0; draw() gives a standard normal number; memory is kept between the steps of one path.
const estimatedNoise = (x, t, schedule, D) => (x - schedule.gamma(t) * D) / schedule.sigma(t);

// Factor of x_u in x_t, and the variance of the noise between them.
function betweenTimes(schedule, t, u) {
  const a = schedule.gamma(t) / schedule.gamma(u);
  return { a, v: schedule.sigma(t) ** 2 - (a * schedule.sigma(u)) ** 2 };
}

// Euler and Maruyama's step of dx = (f x - (g^2 + c^2)/2 score) dt + c dB with c = churn g.
function reverseStep(x, t, u, { schedule, denoise, churn, draw }) {
  const gap = t - u, square = schedule.square(t);
  const score = (schedule.gamma(t) * denoise(x, t) - x) / schedule.sigma(t) ** 2;
  const drift = schedule.drift(t) * x - ((1 + churn ** 2) / 2) * square * score;
  return x - gap * drift + churn * Math.sqrt(square * gap) * draw();
}

function ddimBack(x, t, u, { schedule, denoise, churn, draw }) {
  const D = denoise(x, t), noise = estimatedNoise(x, t, schedule, D), before = schedule.sigma(u);
  if (churn === 0) return schedule.gamma(u) * D + before * noise;
  const fresh = (Math.min(churn, 1) * Math.sqrt(betweenTimes(schedule, t, u).v) * before) / schedule.sigma(t);
  return schedule.gamma(u) * D + Math.sqrt(Math.max(before ** 2 - fresh ** 2, 0)) * noise + fresh * draw();
}

function heunBack(x, t, u, { schedule, denoise }) {
  const ratio = (at) => schedule.sigma(at) / schedule.gamma(at), step = ratio(u) - ratio(t), scaled = x / schedule.gamma(t);
  const first = estimatedNoise(x, t, schedule, denoise(x, t)), ahead = schedule.gamma(u) * (scaled + step * first);
  const second = estimatedNoise(ahead, u, schedule, denoise(ahead, u));
  return schedule.gamma(u) * (scaled + (step * (first + second)) / 2);
}

function multistepBack(x, t, u, { schedule, denoise }, memory) {
  const D = denoise(x, t), clock = (at) => Math.log(schedule.gamma(at) / schedule.sigma(at)), h = clock(u) - clock(t);
  const line = memory.h ? D + (h / (2 * memory.h)) * (D - memory.D) : D;
  memory.D = D;
  memory.h = h;
  return (schedule.sigma(u) / schedule.sigma(t)) * x - schedule.gamma(u) * Math.expm1(-h) * line;
}

const BACK_STEPS = { "reverse equation": reverseStep, DDIM: ddimBack, Heun: heunBack, multistep: multistepBack };
const EVALUATIONS = { "reverse equation": 1, DDIM: 1, Heun: 2, multistep: 1 };
