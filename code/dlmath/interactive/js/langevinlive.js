import { Panel, format, onResize } from "./plot.js";
import { button, makeFrame, slider } from "./controls.js";
import { readColours, watchTheme } from "./canvas.js";
import { Animation } from "./animation.js";
import { ContourLayer } from "./contours.js";
import { randomStream, normal } from "./models/random.js";
import { decodeEnergy, energyAt, langevinStep } from "./models/energy.js";

const CALM_STEPS = 20, FRAMES_PER_STEP = 2, TOP = 13.5, NEAR = 3, FAR = 1e3;
const LINES = { share: 0.6, closest: 1.5 };
const SETTINGS = ["step", "temperature"];

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), landscape = decodeEnergy(data.model), { limit, means, sd, level, lowest } = data;
  const read = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  let state = read(), random, particles, steps, frames = 0;
  const panel = new Panel(plots), layer = new ContourLayer(panel, LINES), context = layer.context;
  const height = (x) => Math.min(TOP, Math.max(0, energyAt(landscape, x).energy - lowest));

  function begin(scatter) {
    random = randomStream(data.seed);
    particles = Array.from({ length: data.particles }, () => scatter());
    steps = 0;
  }
  const noise = () => [0, 1].map((i) => landscape.mean[i] + landscape.base * landscape.scale[i] * normal(random));
  const valley = () => [0, 1].map((i) => means[0][i] + sd * normal(random));

  // A particle that has run away stays where it was last seen.
  function walk(count) {
    for (let k = 0; k < count; k++) {
      particles = particles.map((x) => (Math.hypot(...x) < FAR ? langevinStep(landscape, x, state.step, state.temperature, random) : x));
    }
    steps += count;
  }

  function census() {
    const counts = means.map(() => 0);
    for (const x of particles) {
      const away = means.map((m) => Math.hypot(x[0] - m[0], x[1] - m[1])), nearest = Math.min(...away);
      if (nearest < NEAR * sd) counts[away.indexOf(nearest)] += 1;
    }
    return counts;
  }

  function numbers() {
    const counts = census(), inside = particles.filter((x) => Math.hypot(...x) < FAR);
    const mean = inside.reduce((sum, x) => sum + energyAt(landscape, x).energy, 0) / Math.max(1, inside.length);
    return [
      ["steps", String(steps)],
      ["particles in each valley", counts.join(" ")],
      ["elsewhere", String(particles.length - counts.reduce((a, b) => a + b, 0))],
      ["mean energy", inside.length < particles.length ? "ran away" : format(mean)],
      ["mean energy of the data", format(level)],
    ];
  }

  function drawPlane() {
    const scales = panel.draw({
      xlabel: "first coordinate", ylabel: "second coordinate", xlim: [-limit, limit], ylim: [-limit, limit], equal: true,
      series: [{ type: "points", x: particles.map((p) => p[0]), y: particles.map((p) => p[1]), color: 2, r: 2.6 }],
    });
    if (scales) layer.draw(height, "energy", scales, readColours(root, context));
  }

  function draw() { drawPlane(); readouts.show(numbers()); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(panel.box, (calm) => {
    frames += 1;
    if (!calm && frames % FRAMES_PER_STEP) return;
    walk(calm ? CALM_STEPS : 1);
    draw();
  });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function again(scatter) {
    begin(scatter);
    draw();
    if (!animation.running) say();
  }

  function change(next) {
    state = { ...state, ...next };
    for (const name of SETTINGS) model.set(name, state[name]);
    model.save_changes();
  }

  const shown = {
    step: slider("step ε", { min: data.steps[0], max: data.steps[1], log: true, describe: (value) => format(value, 2) }, state.step, (step) => change({ step })),
    temperature: slider("temperature", { min: 0, max: 3, step: 0.05, describe: (value) => value.toFixed(2) }, state.temperature, (temperature) => change({ temperature })),
  };
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [
    runButton,
    button("Step", () => { run(false); walk(1); draw(); say(); }),
    button("Start from noise", () => again(noise)),
    button("Start in one valley", () => again(valley)),
  ];
  controls.append(...Object.values(shown).map(({ row }) => row), ...buttons.map(({ row }) => row));

  const outside = () => {
    const next = read();
    if (SETTINGS.every((name) => next[name] === state[name])) return;
    state = next;
    for (const name of SETTINGS) shown[name].show(state[name]);
  };
  const watched = SETTINGS.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  begin(noise);
  draw();
  const stops = [onResize(plots, draw), watchTheme(draw)];
  return () => {
    animation.stop();
    for (const stop of stops) stop();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
