import { Panel, colour, format, html, niceTicks, onResize, svg } from "./plot.js";
import { button, checkbox, makeFrame, select, slider } from "./controls.js";
import { readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { DragPoint } from "./dragpoint.js";
import { ContourLayer } from "./contours.js";
import { SURFACES, turned } from "./models/surfaces.js";
import { RACERS, RATE_SCHEDULES, raceAll, raceNoise, standings } from "./models/race.js";

const RACE_FRAMES = 300, CALM_FRAMES = 8, MOST_STEPS = 1000, LEAST_SHOWN = 1e-12, LABEL_PX = 14, DOTTED = 60, PAUSE_MS = 150, SNAP = 0.03, FRAMES_PER_NUMBERS = 5;
const DRAGGED = ["start", "momentum", "kappa", "angle", "noise", "steps"];
const AXES_PX = { x: 45, y: 66 };
const namesOf = (table) => Object.entries(table).map(([key, { name }]) => [key, name]);

// The box to look at, widened to the shape of the panel, so that one unit is as long both ways.
function widenedBox([x0, x1], [y0, y1], width, height) {
  const unit = Math.min(width / (x1 - x0), height / (y1 - y0));
  const around = (a, b, length) => [(a + b - length / unit) / 2, (a + b + length / unit) / 2];
  return { xlim: around(x0, x1, width), ylim: around(y0, y1, height) };
}

// Heights at which contours lie: equal ratios of the excess, until it is small.
const contourHeight = (surface) => (x) => 5 * Math.log10(1 + Math.max(0, surface.cost(x) - surface.least) / surface.soft);

// Moves labels apart that are nearer than the gap, and all of them into the box.
function spreadLabels(ys, gap, low, high) {
  const order = ys.map((_, i) => i).sort((a, b) => ys[a] - ys[b]), at = [...ys];
  let bound = low;
  for (const i of order) { at[i] = Math.max(at[i], bound); bound = at[i] + gap; }
  bound = high;
  for (const i of order.reverse()) { at[i] = Math.min(at[i], bound); bound = at[i] - gap; }
  return at;
}

// All trajectories after k steps: a line with a rim of the background's colour, and its head.
function trajectorySeries(runs, k) {
  return runs.flatMap(({ method, path }) => {
    const { color, dash } = RACERS[method], shown = path.slice(0, k + 1), head = shown.at(-1);
    const x = shown.map((point) => point[0]), y = shown.map((point) => point[1]);
    return [
      { type: "line", x, y, color: "bg", width: 4 },
      { type: "line", x, y, color, width: 2, dash },
      ...(k <= DOTTED ? [{ type: "points", x, y, r: 2.5, color }] : []),
      { type: "points", x: [head[0]], y: [head[1]], r: 5, color, hollow: Boolean(dash) },
    ];
  });
}

const hasDiverged = ({ diverged }, k) => diverged !== null && diverged <= k;

// The excess of the costs up to step k, on an axis that holds the whole race.
function racePanel(runs, k, steps, height) {
  const all = runs.flatMap(({ costs }) => costs).filter((cost) => cost > LEAST_SHOWN), first = runs[0]?.costs[0] || 1;
  const low = Math.min(first / 10, ...all), high = Math.max(first, Math.min(1e3 * first, Math.max(...all)));
  const ylim = [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(1.01 * high))];
  const curves = runs.map(({ costs }) => costs.slice(0, k + 1).map((cost) => Math.max(cost, ylim[0] / 10)));
  const down = (cost) => (Math.log10(ylim[1] / cost) / Math.log10(ylim[1] / ylim[0])) * height;
  const heads = spreadLabels(runs.map((run, i) => (hasDiverged(run, k) ? 0 : down(curves[i].at(-1)))), LABEL_PX, 8, height - 4);
  return {
    xlabel: "steps", ylabel: "cost − least cost", yscale: "log", ylim, xlim: [0, 1.35 * steps], xticks: niceTicks(0, steps, 3),
    series: [
      ...runs.map(({ method }, i) => ({ ...RACERS[method], type: "line", x: curves[i].map((_, step) => step), y: curves[i], width: 2 })),
      ...runs.map((run, i) => ({
        type: "text", x: curves[i].length - 1, y: ylim[1], dx: 5, dy: heads[i] + 4,
        text: RACERS[run.method].short + (hasDiverged(run, k) ? ", diverged" : ""), color: RACERS[run.method].color,
      })),
    ],
  };
}

// What stands under the panels.
function raceNumbers(runs, k) {
  const [best] = standings(runs, k);
  return [
    ["lowest now", best && Number.isFinite(best.now) ? `${RACERS[best.method].name}, ${format(best.now, 2)}` : "none"],
    ...runs.map((run) => [
      RACERS[run.method].name + (run.method === "newton" ? "" : `, η = ${format(run.eta, 2)}`),
      hasDiverged(run, k) ? `diverged at step ${run.diverged}` : format(run.costs[k], 2),
    ]),
  ];
}

// What is said aloud: who is lowest, and who is lost.
function raceMessage(runs, k) {
  const [lowest, ...all] = raceNumbers(runs, k), lost = all.filter((_, i) => hasDiverged(runs[i], k));
  return `Step ${k}: ${[lowest, ...lost].map((pair) => pair.join(" ")).join("; ")}.`;
}

function swatch({ color, dash }) {
  const line = svg("path", { d: "M1 6H27", style: `stroke:${colour(color)}`, "stroke-width": 3, "stroke-dasharray": dash });
  return svg("svg", { width: 28, height: 12, "aria-hidden": "true" }, line);
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data");
  let params = { ...model.get("params") }, surface, runs = [], k = params.steps, clock = 0, frames = 0, seed = data.seed, waiting = 0, colours;
  const map = new Panel(plots), chart = new Panel(plots), contours = new ContourLayer(map);
  const start = new DragPoint({ name: "start", label: "start of the race", min: [0, 0], max: [1, 1], color: "ink", hollow: true }, map, (at) => change({ start: at.map((v) => (Math.abs(v) < SNAP ? 0 : v)) }), save);

  function settle() {
    surface = SURFACES[params.surface].make(params, data.neuron);
    [start.min, start.max] = [0, 1].map((end) => [surface.xlim[end], surface.ylim[end]]);
    for (const end of ["min", "max"]) start.node.setAttribute(`aria-value${end}`, start[end][1]);
  }

  // The race in full; it is drawn up to step k. The search for rates waits until the hand rests.
  function race(tune = true) {
    const { methods, steps, noise, rates } = params, tuned = rates === "best";
    const settings = { ...params, noise: noise * surface.noise, draws: raceNoise(steps, seed) };
    clearTimeout(waiting);
    if (!tuned || tune) runs = raceAll(methods, surface, params.start, settings, tuned);
    else {
      const known = new Map(runs.map(({ method, eta }) => [method, eta]));
      runs = methods.map((method) => raceAll([method], surface, params.start, { ...settings, eta: known.get(method) ?? surface.eta }, false)[0]);
      waiting = setTimeout(() => { race(); draw(); announce(); }, PAUSE_MS);
    }
  }

  function draw() {
    const box = widenedBox(surface.xlim, surface.ylim, map.box.clientWidth - AXES_PX.x, map.box.clientHeight - AXES_PX.y);
    const [xlabel, ylabel] = surface.labels ?? ["x₁", "x₂"];
    const scales = map.draw({ ...box, equal: true, xlabel, ylabel, series: [...trajectorySeries(runs, k), ...minimumMarks()] });
    if (scales) contours.draw(contourHeight(surface), [params.surface, params.kappa, params.angle], scales, colours);
    start.place(params.start, scales);
    chart.draw(racePanel(runs, k, params.steps, chart.box.clientHeight - AXES_PX.y));
    if (!(animation.running && frames % FRAMES_PER_NUMBERS)) readouts.show(raceNumbers(runs, k));
    progress.show(k);
  }

  function paint() {
    colours = readColours(root, contours.context);
    draw();
  }

  const minimumMarks = () => surface.minima.map(([x, y]) => ({ type: "text", x, y, dy: 4, anchor: "middle", text: "×", color: "ink" }));
  const announce = () => { if (!animation.running) announcer.say(raceMessage(runs, k)); };

  function change(next) {
    // The start turns with the axes.
    if ("angle" in next && !next.start) next.start = turned(params.start, next.angle - params.angle);
    params = { ...params, ...next };
    settle();
    // Another surface has its own start, and its own rate.
    if ("surface" in next && !next.start) params = { ...params, start: surface.start, eta: surface.eta };
    if (next.steps) { k = animation.running ? Math.min(k, params.steps) : params.steps; progress.input.max = params.steps; }
    race(!DRAGGED.some((name) => name in next) || "surface" in next);
    draw();
    announce();
  }

  function save() {
    model.set("params", params);
    model.save_changes();
  }

  const choose = (name) => (value) => { change({ [name]: value }); suit(); save(); };

  function chooseSurface(name) {
    setRunning(false);
    k = params.steps;
    change({ surface: name });
    showControls();
    save();
  }

  function chooseMethod(method, on) {
    change({ methods: Object.keys(RACERS).filter((name) => (name === method ? on : params.methods.includes(name))) });
    save();
  }

  const animation = new Animation(plots, (calm) => {
    clock = Math.min(params.steps, clock + params.steps / (calm ? CALM_FRAMES : RACE_FRAMES));
    k = Math.floor(clock);
    frames += 1;
    if (clock >= params.steps) run(false);
    else draw();
  });

  function setRunning(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
  }

  function run(on) {
    if (on) clock = k >= params.steps ? 0 : k;
    setRunning(on);
    if (!on) { draw(); announce(); }
  }

  function goTo(step) {
    k = step;
    run(false);
  }

  const choices = {
    surface: ["Surface", namesOf(SURFACES)],
    rates: ["Learning rates", [["common", "one for all"], ["best", "each its best"]]],
    schedule: ["Schedule", namesOf(RATE_SCHEDULES)],
  };
  const short = (value) => format(value, 2), count = { step: 1, integer: true, describe: String };
  const ranges = {
    kappa: ["condition number κ", { min: 1, max: 1000, log: true, describe: short }],
    angle: ["angle of the axes", { ...count, min: 0, max: 90, describe: (value) => `${value}°` }],
    eta: ["learning rate η", { min: 1e-4, max: 10, log: true, describe: short }],
    momentum: ["momentum β (of Adam β₁)", { min: 0, max: 0.99, step: 0.01, describe: short }],
    noise: ["noise of the gradient", { min: 0, max: 1, step: 0.05, describe: (value) => (value ? `s = ${short(value * surface.noise)}` : "none") }],
    steps: ["steps in all, K", { ...count, min: 10, max: MOST_STEPS, log: true }],
  };
  const made = (make, table) => Object.entries(table).map(([name, [label, options]]) => [name, make(label, options, params[name], name === "surface" ? chooseSurface : choose(name))]);
  const shown = Object.fromEntries([...made(select, choices), ...made(slider, ranges)]);
  const progress = slider("step k", { ...count, min: 0, max: params.steps }, k, goTo);
  const boxes = Object.fromEntries(Object.entries(RACERS).map(([method, racer]) => {
    const made = checkbox(racer.name, params.methods.includes(method), (on) => chooseMethod(method, on));
    made.row.querySelector("label").prepend(swatch(racer));
    return [method, made];
  }));
  const runButton = button("Run", () => run(!animation.running));
  const stepButton = button("Step", () => goTo(k >= params.steps ? 1 : k + 1));
  const noiseButton = button("New noise", () => { seed += 1; change({}); });

  function showControls() {
    for (const name of Object.keys(shown)) shown[name].show(params[name]);
    for (const [method, made] of Object.entries(boxes)) made.show(params.methods.includes(method));
    suit();
  }

  // What does nothing now is out of reach.
  function suit() {
    for (const name of ["kappa", "angle"]) shown[name].row.classList.toggle("dlm-gone", params.surface !== "quadratic");
    shown.eta.input.disabled = params.rates === "best";
    noiseButton.input.disabled = !params.noise;
  }

  const methodsBox = html("div", { class: "dlm-methods", role: "group", "aria-label": "Methods" });
  methodsBox.append(...Object.values(boxes).map(({ row }) => row));
  controls.append(methodsBox, ...Object.values(shown).map(({ row }) => row), runButton.row, stepButton.row, noiseButton.row, progress.row);
  readouts.list.before(html("p", { class: "dlm-hint" }, "Drag the ring, the start, or use the arrow keys. × is a minimum."));

  const outside = () => {
    const next = model.get("params");
    if (JSON.stringify(next) === JSON.stringify(params)) return;
    change({ ...next });
    showControls();
  };
  model.on("change:params", outside);
  settle();
  race();
  paint();
  showControls();
  const stops = [onResize(plots, draw), watchTheme(paint)];
  return () => {
    clearTimeout(waiting);
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    model.off("change:params", outside);
    root.remove();
  };
}

export default { render };
