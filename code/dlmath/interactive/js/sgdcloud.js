import { Panel, format, html, onResize } from "./plot.js";
import { button, checkbox, makeFrame, slider } from "./controls.js";
import { css, readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { thinned } from "./record.js";
import { uniformStream } from "./models/lehmer.js";
import { predictedCovariance, swarmAt, swarmCovariance, swarmStep } from "./models/sgd-swarm.js";
import { principal } from "./models/symmetric.js";

const PIXELS = 480, STEPS_PER_FRAME = 3, CALM_STEPS = 60, FRAMES_PER_PLOT = 6, KEPT = 400;
const SETTINGS = ["eta", "batch", "langevin"];

const along = ([u, v], [a, b, c]) => a * u * u + 2 * b * u * v + c * v * v;

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), { posterior, limit, walkers: count, start, seed, ahead } = data;
  const { values: [long, short], axis } = principal(posterior), across = [-axis[1], axis[0]];
  const read = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  let state, settings, predicted, uniform, walkers, curve, frames = 0;

  function take(next) {
    state = next;
    settings = { eta: state.eta, batch: state.batch, temperature: state.langevin ? data.temperature : 0 };
    predicted = predictedCovariance(data, settings);
  }

  const canvas = html("canvas", { class: "dlm-surface", role: "img", width: PIXELS, height: PIXELS });
  const box = html("div", { class: "dlm-ising" });
  plots.before(box);
  box.append(canvas, plots);
  const context = canvas.getContext("2d");
  const panel = new Panel(plots);

  function begin(steps) {
    uniform = uniformStream(seed);
    walkers = swarmAt(start, count);
    curve = { steps: [], along: [], across: [] };
    note(0);
    walk(steps);
  }

  // The spreads along the two axes of the posterior, in its own standard deviations.
  function note(steps) {
    const S = swarmCovariance(walkers);
    curve = thinned(curve, KEPT);
    curve.steps.push(steps);
    curve.along.push(Math.sqrt(along(axis, S) / long));
    curve.across.push(Math.sqrt(along(across, S) / short));
  }

  function walk(steps) {
    const before = curve.steps.at(-1);
    for (let k = 0; k < steps; k++) {
      swarmStep(walkers, data, settings, uniform);
      if ((k + 1) % STEPS_PER_FRAME === 0 || k === steps - 1) note(before + k + 1);
    }
  }

  function ellipse(S, colour, dash) {
    const { values, axis: [u, v] } = principal(S), scale = PIXELS / 2 / limit;
    context.setLineDash(dash);
    context.lineWidth = 3;
    context.strokeStyle = css(colour);
    context.beginPath();
    context.ellipse(PIXELS / 2, PIXELS / 2, 2 * Math.sqrt(values[0]) * scale, 2 * Math.sqrt(values[1]) * scale, -Math.atan2(v, u), 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }

  function drawSwarm() {
    const colours = readColours(root, context);
    context.fillStyle = css(colours.bg);
    context.fillRect(0, 0, PIXELS, PIXELS);
    context.fillStyle = css(colours.c1);
    for (const [a, b] of walkers) {
      context.beginPath();
      context.arc((PIXELS / 2) * (1 + a / limit), (PIXELS / 2) * (1 - b / limit), 3.2, 0, 2 * Math.PI);
      context.fill();
    }
    ellipse(posterior, colours.c2, []);
    if (predicted) ellipse(predicted, colours.ink, [9, 7]);
  }

  function numbers() {
    const S = swarmCovariance(walkers);
    const pair = (M) => (M ? `${format(Math.sqrt(along(axis, M)), 2)}, ${format(Math.sqrt(along(across, M)), 2)}` : "no limit");
    return [
      ["steps", String(curve.steps.at(-1))],
      ["swarm, long and short axis", pair(S)],
      ["predicted", pair(predicted)],
      ["posterior", pair(posterior)],
      ["η s²/B, its root", format(Math.sqrt((state.eta * data.s2) / state.batch), 2)],
    ];
  }

  function spreadPanel() {
    const last = curve.steps.at(-1), xlim = [0, Math.max(300, last)];
    const lines = predicted ? [[along(axis, predicted) / long, 1], [along(across, predicted) / short, 4]] : [];
    const ylim = [0.1, 30];
    return {
      xlabel: "steps", ylabel: "spread / posterior", yscale: "log", xlim, ylim,
      series: [
        { type: "line", x: xlim, y: [1, 1], color: 2, width: 2 },
        ...lines.map(([value, color]) => ({ type: "line", x: xlim, y: [Math.sqrt(value), Math.sqrt(value)], color, width: 1.5, dash: "6 4" })),
        { type: "line", x: curve.steps, y: curve.across.map((v) => Math.max(v, 1e-3)), color: 4, width: 1.75 },
        { type: "line", x: curve.steps, y: curve.along.map((v) => Math.max(v, 1e-3)), color: 1, width: 1.75 },
        ...keys([["long", 1], ["short", 4], ["posterior", 2]], xlim[1], ylim[1]),
      ],
    };
  }

  function drawPlots() {
    panel.draw(spreadPanel());
    readouts.show(numbers());
  }

  const describe = () => canvas.setAttribute("aria-label", `${count} walkers after ${curve.steps.at(-1)} steps, around the minimum in the middle, with the ellipse of the posterior and the predicted one.`);
  function draw() { drawSwarm(); drawPlots(); describe(); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(canvas, (calm) => {
    walk(calm ? CALM_STEPS : STEPS_PER_FRAME);
    drawSwarm();
    if (calm || ++frames % FRAMES_PER_PLOT === 0) drawPlots();
  });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function step() {
    run(false);
    walk(1);
    draw();
    say();
  }

  function restart() {
    begin(0);
    draw();
    if (!animation.running) say();
  }

  function change(next) {
    take({ ...state, ...next });
    draw();
    if (!animation.running) say();
    for (const name of SETTINGS) model.set(name, state[name]);
    model.save_changes();
  }

  take(read());
  const shown = {
    eta: slider("learning rate η", { min: data.etas[0], max: data.etas[1], log: true, describe: (value) => format(value, 2) }, state.eta, (eta) => change({ eta })),
    batch: slider("batch size B", { min: 1, max: 64, log: true, integer: true, describe: String }, state.batch, (batch) => change({ batch })),
    langevin: checkbox("add Langevin's noise", state.langevin, (langevin) => change({ langevin })),
  };
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("Step", step), button("From outside", restart)];
  controls.append(...Object.values(shown).map(({ row }) => row), ...buttons.map(({ row }) => row));

  const outside = () => {
    const next = read();
    if (SETTINGS.every((name) => next[name] === state[name])) return;
    take(next);
    draw();
    for (const name of SETTINGS) shown[name].show(state[name]);
  };
  const watched = SETTINGS.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  begin(ahead);
  draw();
  const stops = [onResize(plots, drawPlots), watchTheme(drawSwarm)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
