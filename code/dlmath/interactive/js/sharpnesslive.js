import { Panel, format, onResize } from "./plot.js";
import { button, makeFrame, slider } from "./controls.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { thinned } from "./record.js";
import { descendOnce, meanSquare, predict, sharpest } from "./models/tiny-network.js";

const STEPS_PER_FRAME = 5, CALM_STEPS = 200, ITERATIONS = 4, FIRST = 200, KEPT = 500, CURVE = 121;

function fitPanel({ theta, m, data, xlabel, ylabel, scale }) {
  const low = Math.min(...data.x), high = Math.max(...data.x), margin = 0.04 * (high - low);
  const at = Array.from({ length: CURVE }, (_, i) => low - margin + ((high - low + 2 * margin) * i) / (CURVE - 1));
  const outer = (x) => scale.x[0] + scale.x[1] * x, up = (y) => scale.y[0] + scale.y[1] * y;
  const ys = data.y.map(up), pad = 0.12 * (Math.max(...ys) - Math.min(...ys));
  return {
    xlabel, ylabel, xlim: [outer(at[0]), outer(at.at(-1))], ylim: [Math.min(...ys) - pad, Math.max(...ys) + pad],
    series: [
      { type: "line", x: at.map(outer), y: at.map((x) => up(predict(theta, m, x))), color: 1 },
      { type: "points", x: data.x.map(outer), y: ys, color: "ink", r: 3.5 },
    ],
  };
}

function costPanel({ steps, cost }) {
  const positive = cost.filter((value) => value > 0 && Number.isFinite(value));
  const ylim = [10 ** Math.floor(Math.log10(Math.min(0.5, ...positive))), 10 ** Math.ceil(Math.log10(Math.max(1, ...positive)))];
  return {
    xlabel: "steps k", ylabel: "cost", yscale: "log", xlim: [0, Math.max(400, 1.02 * steps.at(-1))], ylim,
    series: [{ type: "line", x: steps, y: cost, color: 1, width: 1.75 }],
  };
}

function sharpnessPanel({ steps, sharp, limit }) {
  const xlim = [0, Math.max(400, 1.02 * steps.at(-1))];
  // Neither a limit far above nor a peak far beyond it is worth the height.
  const highest = Math.max(...sharp.slice(-200)), edge = limit.at(-1);
  const top = 1.25 * Math.max(Math.min(highest, 2.4 * edge), Math.min(edge, 3 * highest));
  return {
    xlabel: "steps k", ylabel: "sharpness", xlim, ylim: [0, top],
    series: [
      { type: "line", x: [...steps, xlim[1]], y: [...limit, limit.at(-1)], color: 2, width: 1.75, dash: "6 4" },
      { type: "line", x: steps, y: sharp, color: 1, width: 1.75 },
      ...keys([["— S", 1], ["- - 2/η", 2]], xlim[1], top),
    ],
  };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const { x, y, hidden: m, starts, xlabel, ylabel, scale } = model.get("data");
  const data = { x, y };
  const panels = [new Panel(plots), new Panel(plots), new Panel(plots)];
  let eta = model.get("eta"), start = 0, theta, direction, record, failed;

  function note(step, iterations) {
    record = thinned(record, KEPT);
    record.steps.push(step);
    record.cost.push(meanSquare(theta, m, data));
    record.sharp.push(sharpest(theta, m, data, direction, iterations));
    record.limit.push(2 / eta);
  }

  function restart() {
    theta = Float64Array.from(starts[start]);
    direction = theta.map(() => 1 / Math.sqrt(theta.length));
    record = { steps: [], cost: [], sharp: [], limit: [] };
    failed = false;
    note(0, FIRST);
  }

  // Some steps, and then the curvature where they have led.
  function advance(count) {
    const before = record.steps.at(-1);
    for (let k = 1; k <= count; k++) {
      if (!descendOnce(theta, m, data, eta)) { failed = true; return; }
      if (k % STEPS_PER_FRAME === 0) note(before + k, ITERATIONS);
    }
  }

  const numbers = () => [
    ["steps k", String(record.steps.at(-1))],
    ["cost", format(record.cost.at(-1))],
    ["sharpness S", format(record.sharp.at(-1))],
    ["2/η", format(2 / eta)],
    ["ηS (stable below 2)", format(eta * record.sharp.at(-1))],
    ...(failed ? [["stopped", "the steps have left all bounds; a smaller η, or Reset"]] : []),
  ];

  function draw() {
    panels[0].draw(sharpnessPanel(record));
    panels[1].draw(fitPanel({ theta, m, data, xlabel, ylabel, scale }));
    panels[2].draw(costPanel(record));
    readouts.show(numbers());
  }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(plots, (calm) => {
    advance(calm ? CALM_STEPS : STEPS_PER_FRAME);
    if (failed) run(false);
    else draw();
  });

  function run(wanted) {
    const on = wanted && !failed;
    runButton.input.textContent = on ? "Pause" : "Descend";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function begin(which) {
    start = which % starts.length;
    restart();
    run(false);
  }

  function take(value) {
    eta = value;
    failed = false;
    record.limit[record.limit.length - 1] = 2 / eta;
    draw();
    if (!animation.running) say();
  }

  const rate = slider("learning rate η", { min: 0.02, max: 0.5, log: true, describe: (value) => format(value, 2) }, eta, (value) => {
    take(value);
    model.set("eta", value);
    model.save_changes();
  });
  const runButton = button("Descend", () => run(!animation.running));
  const some = button("200 steps", () => { run(false); advance(CALM_STEPS); draw(); say(); });
  controls.append(rate.row, runButton.row, some.row, button("Reset", () => begin(start)).row, button("New weights", () => begin(start + 1)).row);

  const outside = () => {
    if (model.get("eta") === eta) return;
    take(model.get("eta"));
    rate.show(eta);
  };
  model.on("change:eta", outside);
  restart();
  draw();
  draw();
  const stopResize = onResize(plots, draw);
  return () => {
    animation.stop();
    stopResize();
    announcer.stop();
    model.off("change:eta", outside);
    root.remove();
  };
}

export default { render };
