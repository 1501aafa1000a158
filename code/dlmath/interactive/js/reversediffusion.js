import { Panel, format, onResize } from "./plot.js";
import { button, makeFrame, select, slider } from "./controls.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { normalFrom, uniformStream } from "./models/lehmer.js";
import { stairs } from "./models/dragged-trap.js";
import { NOISE_SCHEDULES, fallingTimes } from "./models/diffusion-rates.js";
import { BACK_STEPS, EVALUATIONS, betweenTimes } from "./models/back-steps.js";
import { drawFrom, exactDenoiser, mixtureAt, mixtureDensity, mixtureMoments } from "./models/line-mixture.js";

const SETTINGS = ["law", "schedule", "sampler", "steps", "churn"], FILM = "film, forward", SHOWN = 24, BINS = 60, VIEW = [-3, 3], SECONDS = 4, NOISY = ["reverse equation", "DDIM"];

// All beads at the first time of a walk; `times` are in the order of the walk.
function beginWalk({ law, schedule, sampler, steps, churn }, data) {
  const rates = NOISE_SCHEDULES[schedule], falling = fallingTimes(rates, steps, data.spacing), times = sampler === FILM ? falling.reverse() : falling;
  const uniform = uniformStream(data.seed), source = data.laws[law], denoise = exactDenoiser(source, rates);
  const first = mixtureAt(source, rates.gamma(times[0]), rates.sigma(times[0]));
  const start = Float64Array.from({ length: data.beads }, () => drawFrom(first, uniform));
  const memories = Array.from(start, () => ({}));
  return { times, step: 0, sampler, start, now: start.slice(), memories, rates, source, given: { schedule: rates, denoise, churn, draw: () => normalFrom(uniform) }, paths: [start.slice(0, SHOWN)] };
}

function walkOn(walk) {
  const { times, step, given, rates, now } = walk, [t, u] = [times[step], times[step + 1]];
  if (walk.sampler === FILM) {
    const { a, v } = betweenTimes(rates, u, t);
    for (let i = 0; i < now.length; i++) now[i] = a * now[i] + Math.sqrt(v) * given.draw();
  } else {
    const move = BACK_STEPS[walk.sampler];
    for (let i = 0; i < now.length; i++) now[i] = move(now[i], t, u, given, walk.memories[i]);
  }
  walk.step += 1;
  walk.paths.push(now.slice(0, SHOWN));
}

function moments(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
}

function correlation(x, y) {
  const a = moments(x), b = moments(y);
  return x.reduce((sum, value, i) => sum + (value - a.mean) * (y[i] - b.mean), 0) / x.length / Math.sqrt(a.variance * b.variance);
}

// What theory says of one Gaussian at the end of the walk: the film's correlation to the square of the churn.
function expectedMemory(walk, { law, sampler, churn }) {
  if (walk.source.weights.length > 1) return null;
  const [from, to] = [walk.times[0], walk.times[walk.step]], { gamma, sigma } = walk.rates, s = walk.source.variances[0];
  const spread = (t) => Math.sqrt(gamma(t) ** 2 * s + sigma(t) ** 2), [late, early] = sampler === FILM ? [to, from] : [from, to];
  const film = ((gamma(late) / gamma(early)) * spread(early)) / spread(late);
  if (sampler === FILM) return film;
  return NOISY.includes(sampler) ? film ** (sampler === "DDIM" ? Math.min(churn, 1) : churn) ** 2 : 1;
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data");
  const read = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  let state = read(), walk;
  const panels = [0, 1, 2].map(() => new Panel(plots));

  const begin = () => { walk = beginWalk(state, data); };
  const done = () => walk.step >= walk.times.length - 1;
  const finish = () => { while (!done()) walkOn(walk); };

  // Places are shown in units of the root of gamma^2 + sigma^2, which for two schedules is one.
  const unit = (k) => Math.hypot(walk.rates.gamma(walk.times[k]), walk.rates.sigma(walk.times[k]));
  const inside = (value) => Math.max(-9, Math.min(9, value));

  function drawPictures() {
    const last = walk.times.length - 1, units = walk.times.map((_, k) => unit(k)), here = units[walk.step];
    const stride = Math.ceil(walk.paths.length / 120), kept = walk.paths.map((_, k) => k).filter((k) => k % stride === 0 || k === walk.step);
    const ends = state.sampler === FILM ? "from data to noise" : "from noise to data";
    panels[0].draw({
      xlabel: `step, ${ends}`, ylabel: "place", xlim: [0, last], ylim: VIEW,
      series: [
        ...Array.from(walk.paths[0], (_, i) => ({ type: "line", x: kept, y: kept.map((k) => inside(walk.paths[k][i] / units[k])), color: 1, width: 1 })),
        { type: "points", x: Array(SHOWN).fill(walk.step), y: Array.from(walk.paths[walk.step], (x) => inside(x / here)), color: 2, r: 3 },
      ],
    });
    const now = Array.from(walk.now, (x) => x / here), law = mixtureAt(walk.source, walk.rates.gamma(walk.times[walk.step]), walk.rates.sigma(walk.times[walk.step]));
    const { x, y } = stairs(now, VIEW, BINS), xs = Array.from({ length: 241 }, (_, i) => VIEW[0] + (i * (VIEW[1] - VIEW[0])) / 240), density = xs.map((at) => here * mixtureDensity(at * here, law));
    const high = 1.5 * Math.max(...density), level = y.map((value) => Math.min(value, high));
    panels[1].draw({
      xlabel: "place", ylabel: "density", xlim: VIEW, ylim: [0, high],
      series: [
        { type: "region", x, y: level, color: 1, opacity: 0.3 },
        { type: "line", x: xs, y: density, color: 2, width: 2 },
        ...keys([["beads", 1], ["exact", 2]], VIEW[1], high),
      ],
    });
    panels[2].draw({
      xlabel: "place at the first step", ylabel: "place now", xlim: VIEW, ylim: VIEW,
      series: [{ type: "points", x: Array.from(walk.start, (value) => inside(value / units[0])), y: now.map(inside), color: 1, r: 2 }],
    });
  }

  function numbers() {
    const here = unit(walk.step), now = Array.from(walk.now, (x) => x / here), found = moments(now), t = walk.times[walk.step];
    const exact = mixtureMoments(mixtureAt(walk.source, walk.rates.gamma(t), walk.rates.sigma(t))), theory = expectedMemory(walk, state), used = EVALUATIONS[state.sampler] ?? 0;
    return [
      ["step", `${walk.step} of ${walk.times.length - 1}`],
      ["evaluations of the score", String(used * walk.step)],
      ["mean, beads and exact", `${format(found.mean, 2)}, ${format(exact.mean / here, 2)}`],
      ["spread, beads and exact", `${format(Math.sqrt(found.variance))}, ${format(Math.sqrt(exact.variance) / here)}`],
      ["correlation of first and now", theory === null ? format(correlation(walk.start, walk.now)) : `${format(correlation(walk.start, walk.now))}, in theory ${format(theory)}`],
    ];
  }

  function draw() { drawPictures(); readouts.show(numbers()); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));
  let owed = 0, before = 0;
  const animation = new Animation(plots, (calm) => {
    const moment = performance.now(), passed = Math.min(0.1, (moment - before) / 1000), all = walk.times.length - 1;
    before = moment;
    owed += calm ? all / 4 : (passed * all) / SECONDS;
    for (; owed >= 1 && !done(); owed--) walkOn(walk);
    draw();
    if (done()) run(false);
  });

  function run(on) {
    if (on && done()) begin();
    [owed, before] = [0, performance.now()];
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function step() {
    run(false);
    if (done()) begin();
    else walkOn(walk);
    draw();
    say();
  }

  function change(next) {
    run(false);
    state = { ...state, ...next };
    begin();
    finish();
    draw();
    say();
    for (const name of SETTINGS) model.set(name, state[name]);
    model.save_changes();
  }

  const choices = (names) => names.map((name) => [name, name]);
  const shown = {
    law: select("law of the data", choices(Object.keys(data.laws)), state.law, (law) => change({ law })),
    schedule: select("schedule", choices(Object.keys(NOISE_SCHEDULES)), state.schedule, (schedule) => change({ schedule })),
    sampler: select("sampler", choices([...Object.keys(BACK_STEPS), FILM]), state.sampler, (sampler) => change({ sampler })),
    steps: slider("steps", { min: data.counts[0], max: data.counts[1], log: true, integer: true, describe: String }, state.steps, (steps) => change({ steps })),
    churn: slider("churn c/g", { min: 0, max: data.most, step: 0.1, describe: (value) => format(value, 2) }, state.churn, (churn) => change({ churn })),
  };
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("Step", step)];
  controls.append(...Object.values(shown).map(({ row }) => row), ...buttons.map(({ row }) => row));

  const outside = () => {
    const next = read();
    if (SETTINGS.every((name) => next[name] === state[name])) return;
    state = next;
    begin();
    finish();
    draw();
    for (const name of SETTINGS) shown[name].show(state[name]);
  };
  const watched = SETTINGS.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  begin();
  finish();
  draw();
  const stopResize = onResize(plots, draw);
  return () => {
    animation.stop();
    stopResize();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
