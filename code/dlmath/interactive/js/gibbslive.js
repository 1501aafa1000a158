import { Panel, format, html, onResize } from "./plot.js";
import { button, checkbox, makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { randomStream } from "./models/random.js";
import { decodeMachine, gibbsSweep, machineFreeEnergy } from "./models/rbm.js";

const SIDE = 8, CELL = 32, GAP = 2, TRACE = 300, CALM_SWEEPS = 20, FRAMES_PER_PLOT = 4, FRAMES_PER_SWEEP = 3;
const PENS = [["ink", "draw ink"], ["paper", "draw paper"], ["free", "let go"]];

// Small maps of the weights, one for each hidden unit, side by side; those that are on have a frame.
function drawFilters(context, { machine, units, h, colours, columns, scale }) {
  const step = SIDE + GAP;
  context.fillStyle = css(colours.bg);
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  for (let j = 0; j < units; j++) {
    const left = (j % columns) * step, top = Math.floor(j / columns) * step;
    if (h[j]) {
      context.fillStyle = css(colours.ink);
      context.fillRect(left, top, step, step);
    }
    for (let i = 0; i < SIDE * SIDE; i++) {
      const w = Math.max(-1, Math.min(1, machine.W[i * units + j] / scale));
      context.fillStyle = css(mix(mix(colours.bg, colours.muted, 0.12), w > 0 ? colours.c1 : colours.c2, Math.abs(w)));
      context.fillRect(left + 1 + (i % SIDE), top + 1 + Math.floor(i / SIDE), 1, 1);
    }
  }
}

function energyPanel({ sweeps, energies }, level) {
  const first = Math.max(0, sweeps - TRACE), xlim = [first, first + TRACE];
  const x = energies.map((_, i) => sweeps - energies.length + 1 + i);
  const low = Math.min(level, ...energies), high = Math.max(level, ...energies), pad = 0.1 * (high - low) + 1;
  return {
    xlabel: "sweeps", ylabel: "free energy F", xlim, ylim: [low - pad, high + pad],
    series: [
      { type: "line", x: xlim, y: [level, level], color: "ink", width: 1.5, dash: "6 4" },
      { type: "line", x, y: energies, color: 1, width: 1.75 },
    ],
  };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), machine = decodeMachine(data), units = data.units;
  const size = SIDE * SIDE, columns = 8;
  const random = randomStream(data.seed);
  let temperature = model.get("temperature"), pen = "ink", soft = false, frames = 0;
  let state, held, trace;

  const picture = html("canvas", { class: "dlm-dream", role: "img", "aria-label": "The picture of 8 by 8 pixels; those held fixed have a frame." });
  picture.width = picture.height = SIDE * CELL;
  const filters = html("canvas", { class: "dlm-spins", role: "img", "aria-label": `The weights of ${units} hidden units as maps of 8 by 8; units that are on have a frame.` });
  filters.width = columns * (SIDE + GAP);
  filters.height = Math.ceil(units / columns) * (SIDE + GAP);
  const box = html("div", { class: "dlm-gibbs" });
  plots.before(box);
  box.append(picture, filters, plots);
  const context = picture.getContext("2d"), small = filters.getContext("2d");
  const panel = new Panel(plots);

  function note() {
    trace.sweeps += 1;
    trace.energies.push(machineFreeEnergy(machine, state.x));
    if (trace.energies.length > TRACE) trace.energies.shift();
  }

  function start(x) {
    held = new Uint8Array(size);
    state = { x: Uint8Array.from(x), p: Float64Array.from(x), h: new Uint8Array(units) };
    trace = { sweeps: 0, energies: [machineFreeEnergy(machine, state.x)] };
  }

  function sweep() {
    state = gibbsSweep(machine, state.x, held, temperature, random);
    note();
  }

  function drawPicture() {
    const colours = readColours(root, context);
    const paper = mix(colours.bg, colours.ink, 0.06), shown = soft ? state.p : state.x;
    for (let i = 0; i < size; i++) {
      const left = (i % SIDE) * CELL, top = Math.floor(i / SIDE) * CELL;
      context.fillStyle = css(mix(paper, colours.ink, 0.9 * shown[i]));
      context.fillRect(left, top, CELL, CELL);
      if (!held[i]) continue;
      context.strokeStyle = css(colours.c2);
      context.lineWidth = 3;
      context.strokeRect(left + 2.5, top + 2.5, CELL - 5, CELL - 5);
    }
    drawFilters(small, { machine, units, h: state.h, colours, columns, scale: data.scale });
  }

  const numbers = () => {
    const F = trace.energies[trace.energies.length - 1];
    return [
      ["sweeps", String(trace.sweeps)],
      ["F now", format(F)],
      ["mean of unseen digits", format(data.level)],
      ["hidden units on", String(state.h.reduce((sum, on) => sum + on, 0))],
      ["pixels held", String(held.reduce((sum, on) => sum + on, 0))],
    ];
  };

  function drawPlots() {
    panel.draw(energyPanel(trace, data.level));
    readouts.show(numbers());
  }

  function draw() { drawPicture(); drawPlots(); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(picture, (calm) => {
    frames += 1;
    if (!calm && frames % FRAMES_PER_SWEEP) return;
    for (let k = 0; k < (calm ? CALM_SWEEPS : 1); k++) sweep();
    drawPicture();
    if (calm || frames % (FRAMES_PER_SWEEP * FRAMES_PER_PLOT) === 0) drawPlots();
  });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  // The pointer fixes a pixel as ink or paper, or lets go of it.
  function touch(event) {
    const at = picture.getBoundingClientRect();
    const column = Math.floor(((event.clientX - at.left) / at.width) * SIDE), row = Math.floor(((event.clientY - at.top) / at.height) * SIDE);
    if (column < 0 || column >= SIDE || row < 0 || row >= SIDE) return;
    const i = row * SIDE + column;
    held[i] = pen === "free" ? 0 : 1;
    if (held[i]) state.x[i] = state.p[i] = pen === "ink" ? 1 : 0;
    drawPicture();
  }
  picture.addEventListener("pointerdown", (event) => { picture.setPointerCapture(event.pointerId); touch(event); });
  picture.addEventListener("pointermove", (event) => { if (event.buttons) touch(event); });
  picture.addEventListener("pointerup", () => { drawPlots(); say(); });

  // A digit of which only the upper half is held; the rest is random.
  function showHalf(digit) {
    start(data.examples[digit].map((value, i) => (i < size / 2 ? value : random() < 0.5 ? 1 : 0)));
    held.fill(1, 0, size / 2);
    draw();
    say();
  }

  function letGo() {
    held.fill(0);
    draw();
    say();
  }

  const step = () => { run(false); sweep(); draw(); say(); };
  const restart = () => { start(Array.from({ length: size }, () => (random() < 0.5 ? 1 : 0))); draw(); say(); };

  const heat = slider("temperature", { min: 0.3, max: 3, log: true, describe: (value) => value.toFixed(2) }, temperature, (value) => {
    temperature = value;
    model.set("temperature", value);
    model.save_changes();
  });
  const pens = select("Pointer", PENS, pen, (value) => { pen = value; });
  let digit = 3;
  const choices = data.examples.map((_, k) => [String(k), String(k)]);
  const digits = select("Digit", choices, String(digit), (value) => { digit = Number(value); });
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("Sweep", step), button("Noise", restart), button("Let all go", letGo)];
  const half = button("Hold its upper half", () => showHalf(digit));
  const shades = checkbox("show probabilities", soft, (value) => { soft = value; drawPicture(); });
  controls.append(...buttons.map(({ row }) => row), pens.row, digits.row, half.row, heat.row, shades.row);

  const outside = () => {
    if (model.get("temperature") === temperature) return;
    temperature = model.get("temperature");
    heat.show(temperature);
  };
  model.on("change:temperature", outside);
  start(data.examples[digit]);
  draw();
  const stops = [onResize(plots, drawPlots), watchTheme(drawPicture)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    model.off("change:temperature", outside);
    root.remove();
  };
}

export default { render };
