import { Panel, format, html, onResize } from "./plot.js";
import { button, makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { allUp, atRandom, latticeEnergy, meanSpin, metropolisSweep, orderedShare, wolffCluster } from "./models/ising.js";
import { randomStream } from "./models/random.js";

const TRACE = 300, CALM_SWEEPS = 20, FRAMES_PER_PLOT = 6, MOST_CLUSTERS = 400;
const ALGORITHMS = [["metropolis", "Metropolis"], ["wolff", "Wolff's clusters"]];

// The mean of the later half, when the start is nearly forgotten.
function lateMean(values) {
  const late = values.slice(Math.floor(values.length / 2));
  return late.reduce((sum, value) => sum + value, 0) / late.length;
}

// Energy and modulus of the magnetisation, each spin's share, of the latest sweeps.
function tracePanels({ sweeps, energies, magnetisations }, exact, threshold) {
  const first = Math.max(0, sweeps - TRACE), xlim = [first, first + TRACE];
  const x = energies.map((_, i) => sweeps - energies.length + 1 + i);
  const panel = (ylabel, ylim, y, value, color, names, extra = []) => ({
    xlabel: "sweeps", ylabel, xlim, ylim,
    series: [
      { type: "line", x: xlim, y: [value, value], color: "ink", width: 1.5, dash: "6 4" },
      ...extra,
      { type: "line", x, y, color, width: 1.75 },
      ...keys(names, xlim[1], ylim[1]),
    ],
  });
  return [
    panel("E/N", [-2.1, 0.1], energies, exact.energy, 1, [["- - exact", "ink"]]),
    panel("|m|", [-0.05, 1.05], magnetisations, exact.magnetisation, 2, [["- - exact, L = ∞", "ink"], ["··· threshold", 4]], [
      { type: "line", x: xlim, y: [threshold, threshold], color: 4, width: 1.5, dash: "2 4" },
    ]),
  ];
}

// What is exact at the nearest of the temperatures for which it was sent.
function exactAt(temperature, { temperatures, energies, magnetisations }) {
  const away = temperatures.map((at) => Math.abs(at - temperature));
  const i = away.indexOf(Math.min(...away));
  return { energy: energies[i], magnetisation: magnetisations[i] };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), { size, weights } = data;
  const threshold = -weights[0] / weights[1];
  const names = ["temperature", "algorithm"];
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let state = read(), random = randomStream(data.seed);
  let spins = atRandom(size, random), fresh = [], share = 1;
  let trace = null, frames = 0;

  const canvas = html("canvas", { class: "dlm-spins", role: "img", "aria-label": `${size} by ${size} spins: dark squares up, light squares down.` });
  const box = html("div", { class: "dlm-ising" });
  plots.before(box);
  box.append(canvas, plots);
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext("2d");
  const panels = [new Panel(plots), new Panel(plots)];

  function restart() {
    trace = { sweeps: 0, energies: [latticeEnergy(spins, size) / spins.length], magnetisations: [Math.abs(meanSpin(spins))] };
    fresh = [];
  }

  function note() {
    trace.sweeps += 1;
    trace.energies.push(latticeEnergy(spins, size) / spins.length);
    trace.magnetisations.push(Math.abs(meanSpin(spins)));
    if (trace.energies.length > TRACE) { trace.energies.shift(); trace.magnetisations.shift(); }
  }

  // As many clusters as flip, going by those before, as many spins as there are.
  function sweep() {
    if (state.algorithm === "metropolis") metropolisSweep(spins, size, state.temperature, random);
    else {
      const clusters = Math.min(MOST_CLUSTERS, Math.max(1, Math.round(1 / share)));
      for (let k = 0; k < clusters; k++) share += 0.05 * (wolffCluster(spins, size, state.temperature, random).length / spins.length - share);
    }
    note();
  }

  function drawSpins() {
    const colours = readColours(root, context);
    const tones = { up: css(mix(colours.bg, colours.c1, 0.95)), down: css(mix(colours.bg, colours.c1, 0.12)), fresh: css(colours.c2) };
    context.fillStyle = tones.down;
    context.fillRect(0, 0, size, size);
    context.fillStyle = tones.up;
    for (let i = 0; i < spins.length; i++) if (spins[i] === 1) context.fillRect(i % size, Math.floor(i / size), 1, 1);
    context.fillStyle = tones.fresh;
    for (const i of fresh) context.fillRect(i % size, Math.floor(i / size), 1, 1);
  }

  function numbers() {
    const exact = exactAt(state.temperature, data);
    const m = trace.magnetisations[trace.magnetisations.length - 1], p = orderedShare(weights, m);
    return [
      ["sweeps", String(trace.sweeps)],
      ["mean E/N, later half (exact)", `${format(lateMean(trace.energies))} (${format(exact.energy)})`],
      ["mean |m| (exact, L = ∞)", `${format(lateMean(trace.magnetisations))} (${format(exact.magnetisation)})`],
      ["|m| now", format(m, 2)],
      ["the classifier", `${p > 0.5 ? "ordered" : "disordered"}, ŷ = ${p.toFixed(2)}`],
    ];
  }

  function drawPlots() {
    tracePanels(trace, exactAt(state.temperature, data), threshold).forEach((spec, i) => panels[i].draw(spec));
    readouts.show(numbers());
  }

  function draw() { drawSpins(); drawPlots(); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(canvas, (calm) => {
    for (let k = 0; k < (calm ? CALM_SWEEPS : 1); k++) sweep();
    drawSpins();
    if (calm || ++frames % FRAMES_PER_PLOT === 0) drawPlots();
  });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    fresh = [];
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  // One sweep, or one cluster, which is shown.
  function step() {
    run(false);
    if (state.algorithm === "metropolis") sweep();
    else { fresh = wolffCluster(spins, size, state.temperature, random); note(); }
    draw();
    say();
  }

  function begin(start) {
    spins = start(size, random);
    restart();
    draw();
    say();
  }

  function change(next) {
    state = { ...state, ...next };
    restart();
    draw();
    if (!animation.running) say();
    for (const name of names) model.set(name, state[name]);
    model.save_changes();
  }

  const shown = {
    algorithm: select("Algorithm", ALGORITHMS, state.algorithm, (value) => change({ algorithm: value })),
    temperature: slider("temperature τ", { min: data.temperatures[0], max: data.temperatures[data.temperatures.length - 1], step: data.step, describe: (value) => value.toFixed(2) }, state.temperature, (value) => change({ temperature: value })),
  };
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("Step", step), button("All up", () => begin(allUp)), button("Random", () => begin(atRandom))];
  controls.append(shown.algorithm.row, ...buttons.map(({ row }) => row), shown.temperature.row);

  const outside = () => {
    const next = read();
    if (names.every((name) => next[name] === state[name])) return;
    state = next;
    restart();
    draw();
    for (const name of names) shown[name].show(state[name]);
  };
  const watched = names.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  restart();
  draw();
  const stops = [onResize(plots, drawPlots), watchTheme(drawSpins)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
