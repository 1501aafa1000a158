import { Panel, format, html, onResize } from "./plot.js";
import { button, makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { thinned } from "./record.js";
import { randomStream } from "./models/random.js";
import { freshOptimizer } from "./models/optimizers.js";
import { initialParameters, judge, logOdds, shuffled, trainEpoch } from "./models/live-network.js";

const CALM_EPOCHS = 30, FRAMES_PER_PLOT = 4, CELLS = 48, PIXELS = 480, KEPT = 400;
const ACTIVATION_NAMES = [["tanh", "tanh"], ["sigmoid", "logistic"], ["relu", "ReLU"], ["sine", "sine"]];
const OPTIMIZER_NAMES = [["gradient-descent", "gradient descent"], ["momentum", "momentum"], ["adam", "Adam"]];
const SETTINGS = ["dataset", "depth", "width", "activation", "optimizer", "eta", "batch"];
const REBUILD = ["dataset", "depth", "width", "activation"];

const networkSizes = ({ depth, width }) => [2, ...Array(depth).fill(width), 1];

function costPanel({ epochs, train, test }) {
  const last = epochs.at(-1), all = [...train, ...test].filter((value) => Number.isFinite(value) && value > 0);
  const low = Math.min(0.1, ...all), high = Math.max(1, ...all), xlim = [0, Math.max(50, 1.05 * last)];
  const ylim = [10 ** Math.max(-6, Math.floor(Math.log10(low))), 10 ** Math.min(6, Math.ceil(Math.log10(high)))];
  return {
    xlabel: "epochs", ylabel: "cost", yscale: "log", xlim, ylim,
    series: [
      { type: "line", x: xlim, y: [Math.LN2, Math.LN2], color: "ink", width: 1.5, dash: "2 4" },
      { type: "line", x: epochs, y: test, color: 2, width: 1.75, dash: "6 4" },
      { type: "line", x: epochs, y: train, color: 1, width: 1.75 },
      ...keys([["— training", 1], ["- - test", 2], ["··· log 2", "ink"]], xlim[1], ylim[1]),
    ],
  };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const { datasets, limit, seed: firstSeed } = model.get("data");
  const read = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  let state = read(), seed = firstSeed, run, curve, best;
  let frames = 0, failed = 0;

  const canvas = html("canvas", { class: "dlm-surface", role: "img", width: PIXELS, height: PIXELS });
  const box = html("div", { class: "dlm-ising" });
  plots.before(box);
  box.append(canvas, plots);
  const context = canvas.getContext("2d");
  const small = html("canvas", { width: CELLS, height: CELLS }), pixels = small.getContext("2d");
  const panel = new Panel(plots);
  const data = () => datasets.find(({ name }) => name === state.dataset);
  const epochs = () => curve.epochs.at(-1);

  function restart() {
    const random = randomStream(seed), sizes = networkSizes(state);
    const parameters = initialParameters(sizes, state.activation, random);
    run = { parameters, activation: state.activation, random, state: freshOptimizer(parameters) };
    curve = { epochs: [], train: [], test: [] };
    best = Infinity;
    failed = 0;
    note(0);
  }

  function note(epoch) {
    const { train, test } = data();
    run.now = { train: judge(run.parameters, run.activation, train.X, train.y), test: judge(run.parameters, run.activation, test.X, test.y) };
    curve = thinned(curve, KEPT);
    curve.epochs.push(epoch);
    curve.train.push(run.now.train.cost);
    curve.test.push(run.now.test.cost);
    best = Math.min(best, run.now.test.cost);
  }

  // One epoch; what is no longer finite is not kept.
  function learn() {
    if (failed) return;
    const { X, y } = data().train, kept = run.parameters.map((parameter) => parameter.slice());
    const settings = { ...run, optimizer: state.optimizer, eta: state.eta, batch: state.batch || X.length };
    const fine = trainEpoch(settings, X, y, shuffled(X.length, run.random));
    if (fine) note(epochs() + 1);
    else { run.parameters = kept; failed = epochs() + 1; }
  }

  function drawSurface() {
    const colours = readColours(root, context), image = pixels.createImageData(CELLS, CELLS);
    for (let i = 0; i < CELLS; i++) {
      for (let j = 0; j < CELLS; j++) {
        const x = [((2 * j + 1) / CELLS - 1) * limit, (1 - (2 * i + 1) / CELLS) * limit];
        const p = 1 / (1 + Math.exp(-logOdds(run.parameters, run.activation, x)));
        const tone = mix(colours.bg, p > 0.5 ? colours.c2 : colours.c1, 0.08 + 0.9 * Math.abs(p - 0.5));
        image.data.set([...tone, 255], 4 * (CELLS * i + j));
      }
    }
    pixels.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, PIXELS, PIXELS);
    drawPoints(colours);
  }

  function drawPoints(colours) {
    const at = (value) => (PIXELS * (value / limit + 1)) / 2;
    for (const part of ["test", "train"]) {
      const { X, y } = data()[part];
      X.forEach(([u, v], i) => {
        context.beginPath();
        context.arc(at(u), at(-v), part === "train" ? 7 : 5, 0, 2 * Math.PI);
        context.lineWidth = 2.5;
        context.strokeStyle = css(part === "train" ? colours.bg : y[i] ? colours.c2 : colours.c1);
        context.fillStyle = css(part === "test" ? colours.bg : y[i] ? colours.c2 : colours.c1);
        context.fill();
        context.stroke();
      });
    }
  }

  function numbers() {
    const { train, test } = run.now, percent = (share) => `${(100 * share).toFixed(0)} %`;
    return [
      ["parameters", String(run.parameters.reduce((sum, parameter) => sum + parameter.length, 0))],
      ["epochs", String(epochs())],
      ["training cost, errors", `${format(train.cost)}, ${percent(train.wrong)}`],
      ["test cost (its least), errors", `${format(test.cost)} (${format(best)}), ${percent(test.wrong)}`],
      ...(failed ? [["stopped", `not finite in epoch ${failed}; try a smaller η`]] : []),
    ];
  }

  function drawPlots() {
    panel.draw(costPanel(curve));
    readouts.show(numbers());
  }

  const describe = () => canvas.setAttribute("aria-label", `Two classes of points in the plane over the network's probability after ${epochs()} epochs: ${(100 * run.now.train.wrong).toFixed(0)} per cent of the training points are on the wrong side.`);
  function draw() { drawSurface(); drawPlots(); describe(); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(canvas, (calm) => {
    for (let k = 0; k < (calm ? CALM_EPOCHS : 1); k++) learn();
    if (failed) { train(false); return; }
    drawSurface();
    if (calm || ++frames % FRAMES_PER_PLOT === 0) drawPlots();
  });

  function train(wanted) {
    const on = wanted && !failed;
    trainButton.input.textContent = on ? "Pause" : "Train";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function step() {
    train(false);
    learn();
    draw();
    say();
  }

  function begin(nextSeed) {
    seed = nextSeed;
    restart();
    train(false);
  }

  // Another data set or network begins anew; another optimizer goes on from the weights as they are.
  function take(next) {
    const anew = REBUILD.some((name) => next[name] !== state[name]), forget = next.optimizer !== state.optimizer;
    state = next;
    if (anew) restart();
    else { failed = 0; if (forget) run.state = freshOptimizer(run.parameters); }
    draw();
  }

  function change(next) {
    take({ ...state, ...next });
    if (!animation.running) say();
    for (const name of SETTINGS) model.set(name, state[name]);
    model.save_changes();
  }

  const whole = (value) => String(value);
  const shown = {
    dataset: select("Data", datasets.map(({ name }) => [name, name]), state.dataset, (dataset) => change({ dataset })),
    activation: select("Activation", ACTIVATION_NAMES, state.activation, (activation) => change({ activation })),
    optimizer: select("Optimiser", OPTIMIZER_NAMES, state.optimizer, (optimizer) => change({ optimizer })),
    batch: select("Batch", [["0", "all samples"], ["32", "32"], ["8", "8"], ["1", "1"]], String(state.batch), (batch) => change({ batch: Number(batch) })),
    depth: slider("hidden layers", { min: 0, max: 4, step: 1, integer: true, describe: whole }, state.depth, (depth) => change({ depth })),
    width: slider("nodes in each", { min: 1, max: 16, step: 1, integer: true, describe: whole }, state.width, (width) => change({ width })),
    eta: slider("learning rate η", { min: 1e-4, max: 10, log: true, describe: (value) => format(value, 2) }, state.eta, (eta) => change({ eta })),
  };
  const trainButton = button("Train", () => train(!animation.running));
  const buttons = [trainButton, button("One epoch", step), button("Reset", () => begin(seed)), button("New weights", () => begin(seed + 1))];
  controls.append(...Object.values(shown).map(({ row }) => row), ...buttons.map(({ row }) => row));

  const outside = () => {
    const next = read();
    if (SETTINGS.every((name) => next[name] === state[name])) return;
    take(next);
    for (const name of SETTINGS) shown[name].show(name === "batch" ? String(state[name]) : state[name]);
  };
  const watched = SETTINGS.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  restart();
  draw();
  const stops = [onResize(plots, drawPlots), watchTheme(drawSurface)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
