import { Panel, format, onResize } from "./plot.js";
import { button, checkbox, makeFrame, slider } from "./controls.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { normalFrom, uniformStream } from "./models/lehmer.js";
import { stairs } from "./models/dragged-trap.js";
import { boltzmann, cells, densityAfter, momentsOfDensity, momentsOfWalkers, wellEnergy, wellRates, wellsStep } from "./models/wells.js";

const SETTINGS = ["barrier", "eta", "adjust"], DOTS = 70, BINS = 44, KEPT = 300, FRAME_TIME = 0.03, CALM_TIME = 1;

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const { limits, cells: count, walkers: many, start, spread, longest, seed, ahead, barriers, etas } = model.get("data");
  const grid = cells(...limits, count), xs = Array.from(grid.x);
  const read = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  let state = read(), uniform, walkers, density, equilibrium, rates, time, moved, asked, curve;
  const panels = [0, 1, 2].map(() => new Panel(plots));

  function prepare() {
    rates = wellRates(state.barrier, grid);
    equilibrium = boltzmann(state.barrier, grid);
  }

  function begin() {
    prepare();
    uniform = uniformStream(seed);
    walkers = Float64Array.from({ length: many }, () => start + spread * normalFrom(uniform));
    density = grid.x.map((x) => Math.exp((-((x - start) ** 2)) / (2 * spread * spread)));
    const sum = density.reduce((a, b) => a + b, 0) * grid.width;
    density = density.map((value) => value / sum);
    [time, moved, asked] = [0, 0, 0];
    curve = { time: [], walkers: [], density: [] };
    note();
  }

  function note() {
    if (curve.time.length >= KEPT) for (const name of Object.keys(curve)) curve[name] = curve[name].filter((_, i) => i % 2 === 0);
    curve.time.push(time);
    curve.walkers.push(Math.min(momentsOfWalkers(walkers).square, 20));
    curve.density.push(momentsOfDensity(density, grid).square);
  }

  // Steps of the walkers for at least so long a time.
  function walk(duration) {
    for (let k = 0; k < Math.ceil(duration / state.eta - 1e-9); k++) {
      moved += wellsStep(walkers, state, uniform);
      asked += many;
      density = densityAfter(density, rates, state.eta, longest);
      time += state.eta;
    }
    note();
  }

  function drawPictures() {
    const top = Math.max(4, 1.6 * state.barrier), energy = xs.map((x) => wellEnergy(state.barrier, x)), some = Array.from(walkers.slice(0, DOTS)).filter((x) => !Number.isNaN(x));
    panels[0].draw({
      xlabel: "place x", ylabel: "energy", xlim: limits, ylim: [-0.1 * top, top],
      series: [
        { type: "line", x: xs, y: energy, color: 2, width: 2 },
        { type: "points", x: some, y: some.map((x) => wellEnergy(state.barrier, x)), color: 1, r: 3.5 },
      ],
    });
    const left = Array.from(walkers).filter((x) => !Number.isNaN(x)), { x, y } = stairs(left, limits, BINS), high = 1.35 * Math.max(...equilibrium, Math.min(Math.max(...density), 2 * Math.max(...equilibrium)));
    panels[1].draw({
      xlabel: "place x", ylabel: "density", xlim: limits, ylim: [0, high],
      series: [
        { type: "region", x, y, color: 1, opacity: 0.3 },
        { type: "line", x: xs, y: Array.from(equilibrium), color: "muted", width: 2, dash: "6 4" },
        { type: "line", x: xs, y: Array.from(density), color: 2, width: 2 },
        ...keys([["walkers", 1], ["density", 2], ["Boltzmann", "muted"]], limits[1], high),
      ],
    });
    const limit = momentsOfDensity(equilibrium, grid).square, xlim = [0, Math.max(10, time)], ylim = [0.6 * Math.min(1, limit), Math.max(1.3 * limit, 1.1 * Math.min(4, ...[Math.max(...curve.walkers)]))];
    panels[2].draw({
      xlabel: "time", ylabel: "mean of x²", xlim, ylim,
      series: [
        { type: "line", x: xlim, y: [limit, limit], color: "muted", width: 2, dash: "6 4" },
        { type: "line", x: curve.time, y: curve.walkers, color: 1, width: 1.75 },
        { type: "line", x: curve.time, y: curve.density, color: 2, width: 1.75 },
        ...keys([["walkers", 1], ["density", 2]], xlim[1], ylim[1]),
      ],
    });
  }

  function numbers() {
    const here = momentsOfWalkers(walkers), there = momentsOfDensity(density, grid);
    return [
      ["time", format(time)],
      ["on the right, walkers and density", `${format(here.share, 2)}, ${format(there.share, 2)}`],
      ["mean of x², walkers", format(here.square)],
      ["Boltzmann", format(momentsOfDensity(equilibrium, grid).square)],
      state.adjust ? ["accepted", asked ? `${format((100 * moved) / asked, 3)} %` : "–"] : ["ran away", `${here.lost} of ${many}`],
    ];
  }

  function draw() { drawPictures(); readouts.show(numbers()); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));
  const animation = new Animation(plots, (calm) => { walk(calm ? CALM_TIME : FRAME_TIME); draw(); });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function step() {
    run(false);
    walk(state.eta);
    draw();
    say();
  }

  function restart() {
    begin();
    draw();
    if (!animation.running) say();
  }

  function change(next) {
    state = { ...state, ...next };
    [moved, asked] = [0, 0];
    prepare();
    draw();
    if (!animation.running) say();
    for (const name of SETTINGS) model.set(name, state[name]);
    model.save_changes();
  }

  const shown = {
    barrier: slider("barrier", { min: barriers[0], max: barriers[1], step: 0.1, describe: (value) => format(value, 2) }, state.barrier, (barrier) => change({ barrier })),
    eta: slider("step η", { min: etas[0], max: etas[1], log: true, describe: (value) => format(value, 2) }, state.eta, (eta) => change({ eta })),
    adjust: checkbox("accept or refuse", state.adjust, (adjust) => change({ adjust })),
  };
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("Step", step), button("From the left", restart)];
  controls.append(...Object.values(shown).map(({ row }) => row), ...buttons.map(({ row }) => row));

  const outside = () => {
    const next = read();
    if (SETTINGS.every((name) => next[name] === state[name])) return;
    state = next;
    prepare();
    draw();
    for (const name of SETTINGS) shown[name].show(state[name]);
  };
  const watched = SETTINGS.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  begin();
  walk(ahead);
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
