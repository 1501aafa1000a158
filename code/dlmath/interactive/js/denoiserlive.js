import { html, onResize } from "./plot.js";
import { button, makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { float16Numbers } from "./float16.js";
import { weightsLoader } from "./weights.js";
import { decodeStates, makeNetwork } from "./models/denoisers.js";
import { beginDrawing, continueDrawing, freshNoise, stripColumns } from "./models/drawing.js";

const PIXELS = 256, THUMB = 64, GAP = 8, FRAMES_PER_STEP = 10, SAMPLERS = [["euler", "Euler"], ["midpoint", "midpoint"]];

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// One picture of shades from 0 (paper) to 1 (ink), in a square of so many pixels.
function paint(context, shades, colours, [left, top, size]) {
  const side = Math.sqrt(shades.length), edge = size / side, paper = mix(colours.bg, colours.ink, 0.06);
  for (let i = 0; i < shades.length; i++) {
    const x = Math.round((i % side) * edge), y = Math.round(Math.floor(i / side) * edge);
    context.fillStyle = css(mix(paper, colours.ink, 0.94 * Math.min(1, Math.max(0, shades[i]))));
    context.fillRect(left + x, top + y, Math.ceil(edge), Math.ceil(edge));
  }
}

function square(label) {
  const canvas = html("canvas", { class: "dlm-square", role: "img", "aria-label": label });
  canvas.width = canvas.height = PIXELS;
  return canvas;
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), { names, columns: most, limits: [low, high] } = data;
  const settings = { label: data.label, guidance: data.guidance, steps: data.steps, midpoint: data.sampler === "midpoint" };
  const given = float16Numbers(new DataView(bytesOf(data.noise).buffer));
  let network = null, drawing = null, seed = 0, frames = 0, fast = false;

  // Until the network is there, the pictures are those that came with the page.
  const n = given.length, onPage = ["states", "estimates"].map((name) => bytesOf(data[name]));
  const shadesOnPage = (row, i) => Array.from(onPage[row].subarray(i * n, (i + 1) * n), (byte) => byte / 255);
  const shadesOf = (x) => decodeStates(network, x).map((value) => (value - low) / (high - low));

  const state = square("The state: noise at first, a picture at the end.");
  const estimate = square("What the network expects the picture to become.");
  const strip = html("canvas", { class: "dlm-strip", role: "img", "aria-label": "Upper row: states on the way from the noise to the picture. Lower row: what the network expected at each." });
  strip.width = most * (THUMB + GAP) - GAP;
  strip.height = 2 * THUMB + GAP;
  const figure = (canvas, text) => html("figure", {}, canvas, html("figcaption", {}, text));
  plots.classList.add("dlm-drawing");
  plots.append(figure(state, "state"), figure(estimate, "expected in the step before"), figure(strip, "the way from left to right: states above, what was expected below"));

  // Where the drawing is, and the columns of the strip: [place, state, estimate], in shades.
  function shown() {
    if (!network) {
      const columns = stripColumns(data.steps, most).map((k, i) => [k, shadesOnPage(0, i), shadesOnPage(1, i)]);
      return { steps: data.steps, k: data.steps, columns };
    }
    const { states, estimates } = drawing, k = states.length - 1, { steps } = settings;
    const estimateAt = (at) => (at < k ? estimates[at] : at === steps ? states[at] : null);
    const places = [...new Set([...stripColumns(steps, most).filter((at) => at <= k), k])];
    return { steps, k, columns: places.map((at) => [at, ...[states[at], estimateAt(at)].map((x) => x && shadesOf(x))]) };
  }

  function draw() {
    const context = strip.getContext("2d"), colours = readColours(root, context), { k, steps, columns } = shown();
    context.fillStyle = css(colours.bg);
    context.fillRect(0, 0, strip.width, strip.height);
    const places = stripColumns(steps, most);
    for (const [at, ...rows] of columns) {
      const left = places.indexOf(at) * (THUMB + GAP);
      rows.forEach((shades, row) => { if (shades && left >= 0) paint(context, shades, colours, [left, row * (THUMB + GAP), THUMB]); });
    }
    const [, now, expected] = columns[columns.length - 1];
    paint(state.getContext("2d"), now, colours, [0, 0, PIXELS]);
    const last = network && k && k < steps ? shadesOf(drawing.estimates[k - 1]) : expected;
    paint(estimate.getContext("2d"), last ?? new Array(n).fill(0), colours, [0, 0, PIXELS]);
    readouts.show(numbers({ k, steps }));
  }

  const numbers = ({ k, steps }) => [
    ["step", `${k} of ${steps}`],
    ["time, 0 noise to 1 picture", (k / steps).toFixed(2)],
    ["evaluations of the network", network ? String(drawing.evaluations) : "–"],
    ["noise", seed ? `number ${seed}` : "that of the page"],
  ];
  const say = () => announcer.say(numbers(shown()).map((pair) => pair.join(" ")).join("; "));
  const done = () => drawing.states.length > settings.steps;
  const advance = () => { if (!done()) drawing = continueDrawing(network, drawing, settings); };

  const animation = new Animation(plots, (calm) => {
    frames += 1;
    if (calm) while (!done()) advance();
    else if (fast || frames % FRAMES_PER_STEP === 0) advance();
    draw();
    if (done()) run(false);
  });

  function run(on) {
    drawButton.input.textContent = on ? "Pause" : "Draw";
    animation.run(on);
    if (!on) say();
  }

  function restart(quick) {
    if (!network) return;
    animation.run(false);
    drawing = beginDrawing(seed ? freshNoise(seed, n) : given);
    fast = quick;
    run(true);
  }

  const change = (next) => { Object.assign(settings, next); restart(true); };
  const drawButton = button("Draw", () => {
    if (animation.running) return run(false);
    if (done()) return restart(false);
    fast = false;
    return run(true);
  });
  const stepButton = button("Step", () => {
    run(false);
    if (done()) drawing = beginDrawing(drawing.states[0]);
    advance();
    draw();
    say();
  });
  const noiseButton = button("New noise", () => { seed += 1; restart(false); });
  const digits = select(data.what, names.map((name, i) => [String(i), name]), String(settings.label), (value) => change({ label: Number(value) }));
  const weight = slider("guidance", { min: 0, max: 6, step: 0.1, describe: (value) => value.toFixed(1) }, settings.guidance, (value) => change({ guidance: value }));
  const count = slider("steps", { min: 1, max: 40, step: 1, integer: true, describe: String }, settings.steps, (value) => change({ steps: value }));
  const sampler = select("Method", SAMPLERS, data.sampler, (value) => change({ midpoint: value === "midpoint" }));
  const all = [drawButton, stepButton, noiseButton, digits, sampler, weight, count];
  for (const { input } of all) input.disabled = true;

  const loader = weightsLoader(model, (weights) => {
    network = makeNetwork(weights[data.name]);
    for (const { input } of all) input.disabled = false;
    restart(false);
    return drawButton.input;
  });
  controls.append(loader.row, ...all.map(({ row }) => row));
  draw();
  const stops = [onResize(plots, draw), watchTheme(draw)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    root.remove();
  };
}

export default { render };
