// First-order methods, each the namesake of one in dlmath.optimizers, and schedules of the rate.
// Parameters and gradients are lists of arrays of numbers, as there.

const STEP_SETTINGS = { momentum: 0.9, rho: 0.99, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, biasCorrection: true };

// Running means of g and of its square; c1 and c2 correct for their start at zero.
function adamUpdate(g, { eta, beta1, beta2, epsilon, c1, c2 }, { m, v }, i) {
  m[i] = beta1 * m[i] + (1 - beta1) * g;
  v[i] = beta2 * v[i] + (1 - beta2) * g * g;
  return (eta * m[i]) / c1 / (Math.sqrt(v[i] / c2) + epsilon);
}

// What is subtracted from entry i of a parameter, whose gradient is g there. The arrays m and v are
// what a method remembers of a parameter.
const UPDATES = {
  "gradient-descent": (g, { eta }) => eta * g,
  momentum: (g, { eta, momentum }, { m }, i) => eta * (m[i] = momentum * m[i] + g),
  nesterov: (g, { eta, momentum }, { m }, i) => eta * (g + momentum * (m[i] = momentum * m[i] + g)),
  adagrad: (g, { eta, epsilon }, { v }, i) => (eta * g) / (Math.sqrt(v[i] += g * g) + epsilon),
  rmsprop: (g, { eta, rho, epsilon }, { v }, i) => (eta * g) / (Math.sqrt(v[i] = rho * v[i] + (1 - rho) * g * g) + epsilon),
  adam: adamUpdate,
};

// What an optimizer remembers: the number of its steps, and two arrays for each parameter.
function freshOptimizer(parameters) {
  const zeros = (parameter) => new Float64Array(parameter.length);
  return { k: 0, memories: parameters.map((parameter) => ({ m: zeros(parameter), v: zeros(parameter) })) };
}

// One step in place; eta is a number, or a schedule: a function of the number of steps before.
function optimizerStep(method, settings, state, parameters, gradients) {
  // While the settings are the same object, they are completed once.
  if (state.settings !== settings) {
    state.settings = settings;
    state.now = { ...STEP_SETTINGS, ...(method === "adagrad" && { epsilon: 1e-10 }), ...settings };
  }
  const now = state.now, update = UPDATES[method];
  if (typeof settings.eta === "function") now.eta = settings.eta(state.k);
  state.k += 1;
  now.c1 = now.biasCorrection ? 1 - now.beta1 ** state.k : 1;
  now.c2 = now.biasCorrection ? 1 - now.beta2 ** state.k : 1;
  for (let at = 0; at < parameters.length; at++) {
    const parameter = parameters[at], gradient = gradients[at], memory = state.memories[at];
    for (let i = 0; i < parameter.length; i++) parameter[i] -= update(gradient[i], now, memory, i);
  }
}

// Schedules, as in dlmath.optimizers.
const inverseDecay = (eta, decay) => (k) => eta / (1 + decay * k);
const cosineDecay = (eta, steps) => (k) => (eta * (1 + Math.cos((Math.PI * Math.min(k, steps)) / steps))) / 2;
const warmUp = (eta, steps) => (k) => Math.min(1, (k + 1) / steps) * (typeof eta === "function" ? eta(k) : eta);
