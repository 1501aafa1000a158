import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

// Lehmer's generator; the products fit into a double. The first numbers of near seeds are alike
// and are left out.
function uniformStream(run) {
  const modulus = 2 ** 31 - 1;
  let state = (run * 7919 + 1) % modulus;
  const next = () => { state = (48271 * state) % modulus; return state / modulus; };
  for (let i = 0; i < 10; i += 1) next();
  return next;
}

function normalNumber(uniform) {
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

// Gamma of shape a >= 1 by the method of Marsaglia and Tsang; a ratio of two is a beta number.
function gammaNumber(a, uniform) {
  const d = a - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normalNumber(uniform), v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(uniform()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function betaNumber(a, b, uniform) {
  const one = gammaNumber(a, uniform);
  return one / (one + gammaNumber(b, uniform));
}

function largestOf(values) {
  return values.reduce((best, value, a) => (value > values[best] ? a : best), 0);
}

const estimateOf = ({ successes, pulls }) => pulls.map((N, a) => (N ? successes[a] / N : Infinity));
const ucbIndex = ({ successes, pulls }, i) => pulls.map((N, a) => (N ? successes[a] / N + Math.sqrt((2 * Math.log(i)) / N) : Infinity));

const POLICIES = {
  "ε-greedy": (state, i, epsilon, uniform) => {
    const u = uniform(), v = uniform();
    return state.pulls.every(Boolean) && u < epsilon ? Math.floor(v * state.pulls.length) : largestOf(estimateOf(state));
  },
  UCB1: (state, i) => largestOf(ucbIndex(state, i)),
  "Thompson sampling": ({ successes, pulls }, i, epsilon, uniform) => largestOf(pulls.map((N, a) => betaNumber(1 + successes[a], 1 + N - successes[a], uniform))),
};

// One run: which arm was pulled, and whether it paid.
function playRun({ policy, epsilon }, means, n, run) {
  const uniform = uniformStream(run);
  const state = { successes: means.map(() => 0), pulls: means.map(() => 0) };
  const arms = [], rewards = [];
  for (let i = 0; i < n; i += 1) {
    const arm = POLICIES[policy](state, i, epsilon, uniform);
    const reward = uniform() < means[arm] ? 1 : 0;
    state.pulls[arm] += 1;
    state.successes[arm] += reward;
    arms.push(arm);
    rewards.push(reward);
  }
  return { arms, rewards };
}

function regretCurve(arms, means) {
  const best = Math.max(...means);
  let sum = 0;
  return [0, ...arms.map((arm) => { sum += best - means[arm]; return sum; })];
}

function countsAfter({ arms, rewards }, k, size) {
  const state = { successes: Array(size).fill(0), pulls: Array(size).fill(0) };
  for (let i = 0; i < k; i += 1) { state.pulls[arms[i]] += 1; state.successes[arms[i]] += rewards[i]; }
  return state;
}

// A run does not depend on how much of it is shown.
const playedRuns = new Map();
function played(params, { means, n, runs }) {
  const key = [params.policy, params.policy === "ε-greedy" ? params.epsilon : "", params.run].join();
  if (!playedRuns.has(key)) {
    const one = playRun(params, means, n, params.run);
    const many = Array.from({ length: runs }, (_, r) => regretCurve(playRun(params, means, n, 100 + r).arms, means));
    const average = many[0].map((_, i) => many.reduce((sum, curve) => sum + curve[i], 0) / runs);
    playedRuns.set(key, { ...one, regret: regretCurve(one.arms, means), average });
  }
  return playedRuns.get(key);
}

// How far each estimate reaches: to the upper bound, or one standard deviation of the posterior.
function reachOf({ policy }, state, k) {
  if (policy === "UCB1") return ucbIndex(state, Math.max(k, 1)).map((value, a) => [estimateOf(state)[a], value]);
  return state.pulls.map((N, a) => {
    const alpha = 1 + state.successes[a], beta = 1 + N - state.successes[a], mean = alpha / (N + 2);
    const sd = Math.sqrt((alpha * beta) / (N + 3)) / (N + 2);
    return [mean - sd, mean + sd];
  });
}

function compute(params, data) {
  const { means, n, regretLimit } = data;
  const k = Math.round(params.pulls), run = played(params, data), size = means.length;
  const state = countsAfter(run, k, size);
  const seen = state.pulls.map((N, a) => a).filter((a) => state.pulls[a] > 0);
  const estimates = estimateOf(state), reach = reachOf(params, state, k);
  const last = k ? run.arms[k - 1] : undefined;
  const left = {
    xlabel: "arm", ylabel: "probability that a pulse counts", xlim: [0.4, size + 0.6], ylim: [0, 1], xticks: means.map((_, a) => a + 1),
    series: [
      ...(params.truth ? means.map((mean, a) => ({ type: "line", x: [a + 0.7, a + 1.3], y: [mean, mean], color: 3, width: 3 })) : []),
      ...seen.map((a) => ({ type: "line", x: [a + 1, a + 1], y: reach[a].map((value) => Math.min(value, 1.2)), color: 1, width: 3 })),
      { type: "points", x: seen.map((a) => a + 1), y: seen.map((a) => estimates[a]), color: 1, r: seen.map((a) => (a === last ? 8 : 5)) },
      ...state.pulls.map((N, a) => ({ type: "text", x: a + 1, y: 0.03, text: String(N), color: "ink", anchor: "middle" })),
    ],
  };
  const every = Array.from({ length: 201 }, (_, i) => Math.round((i * n) / 200));
  const shown = [...every.filter((i) => i < k), k];
  const right = {
    xlabel: "pulls", ylabel: "regret", xlim: [0, n], ylim: [0, regretLimit],
    series: [
      { type: "line", x: every, y: every.map((i) => run.average[i]), color: "muted", width: 1.75, dash: "6 4" },
      { type: "line", x: shown, y: shown.map((i) => run.regret[i]), color: 2, width: 2.25 },
      { type: "points", x: [k], y: [run.regret[k]], color: 2, r: 5 },
      { type: "text", x: 0, y: regretLimit, dx: 8, dy: 8, text: "— this run", color: 2 },
      { type: "text", x: 0, y: regretLimit, dx: 8, dy: 26, text: `- - average of ${data.runs} runs`, color: "muted" },
    ],
  };
  const best = largestOf(means), hits = state.successes.reduce((sum, hit) => sum + hit, 0);
  return {
    panels: [left, right],
    readouts: [
      ["pulls", String(k)],
      ["last pulse", k ? `arm ${last + 1}: ${run.rewards[k - 1] ? "a count" : "nothing"}` : "–"],
      ["counts so far", String(hits)],
      ["regret", format(run.regret[k])],
      ["pulls of the best arm", k ? `${Math.round((100 * state.pulls[best]) / k)} %` : "–"],
    ],
  };
}

const actions = {
  one: (params, { n }) => ({ pulls: Math.min(n, Math.round(params.pulls) + 1) }),
};

export default computedPlot({ compute, actions });
