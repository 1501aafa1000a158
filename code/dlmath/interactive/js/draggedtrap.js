import { Panel, format, onResize } from "./plot.js";
import { button, makeFrame, slider } from "./controls.js";
import { Animation } from "./animation.js";
import { keys } from "./keys.js";
import { uniformStream } from "./models/lehmer.js";
import { RunningEstimate, dragStep, gaussian, meanWork, protocol, stairs, startPull } from "./models/dragged-trap.js";

const AT_ONCE = 20, SHOWN = 160, BINS = 48, LEFT = -1.2, RIGHT = 1.2, TOP = 4;

const grid = (low, high, count) => Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const { stiffness: h, distance, longest, beads, seed, ahead, speeds } = model.get("data");
  let speed = model.get("speed"), uniform = uniformStream(seed), steps, pull, works, estimate;
  const panels = [0, 1, 2].map(() => new Panel(plots));

  function forget() {
    steps = protocol({ distance, longest }, speed);
    works = [];
    estimate = new RunningEstimate();
    pull = startPull(beads, h, uniform);
  }

  function finish() {
    for (const work of pull.work) { works.push(work); estimate.add(work); }
  }

  // One jump; after the last one the work is noted, and the beads are in equilibrium again.
  function advance() {
    if (pull.jumps === steps.jumps) pull = startPull(beads, h, uniform);
    dragStep(pull, h, steps, uniform);
    if (pull.jumps < steps.jumps) return false;
    finish();
    return true;
  }

  function round() { while (!advance()); }

  function drawTrap() {
    const centre = pull.jumps * steps.jump, xs = grid(centre - Math.sqrt((2 * TOP) / h), centre + Math.sqrt((2 * TOP) / h), 61);
    const parabola = (x) => (h / 2) * (x - centre) ** 2, at = Array.from(pull.place, (y) => y + centre);
    panels[0].draw({
      xlabel: "place", ylabel: "energy", xlim: [LEFT, distance + RIGHT], ylim: [-0.2, TOP],
      series: [
        { type: "line", x: [0, distance], y: [-0.1, -0.1], color: "muted", width: 3 },
        { type: "line", x: xs, y: xs.map(parabola), color: 2, width: 2 },
        { type: "points", x: at, y: at.map(parabola), color: 1, r: 4 },
      ],
    });
  }

  function drawWork() {
    const mean = meanWork(h, steps), sd = Math.sqrt(2 * mean), xlim = [-mean - 3.5 * sd, mean + 3.5 * sd], xs = grid(...xlim, SHOWN);
    const { x, y } = stairs(works, xlim, BINS), top = 1.3 * gaussian(0, 0, 2 * mean);
    panels[1].draw({
      xlabel: "work / thermal energy", ylabel: "density", xlim, ylim: [0, top],
      series: [
        { type: "region", x, y, color: 1, opacity: 0.3 },
        { type: "line", x: xs, y: xs.map((w) => gaussian(w, mean, 2 * mean)), color: 1, width: 2 },
        { type: "line", x: xs, y: xs.map((w) => gaussian(w, -mean, 2 * mean)), color: 2, width: 2, dash: "6 4" },
        { type: "line", x: [0, 0], y: [0, top], color: "muted", width: 1 },
        ...keys([["work", 1], ["weighted", 2]], xlim[1], top),
      ],
    });
  }

  function drawEstimate() {
    const mean = meanWork(h, steps), { n, value } = estimate.curve, xlim = [1, 1.3 * Math.max(1000, estimate.n)], ylim = [-0.35 * mean - 0.15, 1.3 * mean + 0.15];
    panels[2].draw({
      xlabel: "pulls", ylabel: "free energy difference", xscale: "log", xlim, ylim,
      series: [
        { type: "line", x: xlim, y: [0, 0], color: 2, width: 2 },
        { type: "line", x: xlim, y: [mean, mean], color: "muted", width: 1.5, dash: "2 4" },
        { type: "line", x: n, y: value, color: 1, width: 2 },
        ...keys([["estimate", 1], ["exact", 2], ["mean work", "muted"]], xlim[1], ylim[1]),
      ],
    });
  }

  function numbers() {
    const mean = meanWork(h, steps), n = works.length, sum = works.reduce((a, b) => a + b, 0);
    return [
      ["pulls", String(n)],
      ["mean work", `${n ? format(sum / n) : "–"}, exact ${format(mean)}`],
      ["negative work", n ? `${format((100 * works.filter((w) => w < 0).length) / n, 2)} %` : "–"],
      ["estimate of ΔF", n ? format(estimate.value) : "–"],
      ["pulls needed, about", format(Math.exp(2 * mean), 1)],
    ];
  }

  function drawResults() { drawWork(); drawEstimate(); readouts.show(numbers()); }
  function draw() { drawTrap(); drawResults(); }
  const say = () => announcer.say(numbers().map((pair) => pair.join(" ")).join("; "));

  const animation = new Animation(plots, (calm) => {
    if (calm) round();
    const done = calm || advance();
    drawTrap();
    if (done) drawResults();
  });

  function run(on) {
    runButton.input.textContent = on ? "Pause" : "Run";
    animation.run(on);
    if (!on) { draw(); say(); }
  }

  function rounds(count) {
    run(false);
    for (let k = 0; k < count; k++) round();
    draw();
    say();
  }

  function change(next) {
    speed = next;
    forget();
    draw();
    if (!animation.running) say();
    model.set("speed", speed);
    model.save_changes();
  }

  const shown = slider("speed of the trap", { min: speeds[0], max: speeds[1], log: true, describe: (value) => format(value, 2) }, speed, change);
  const runButton = button("Run", () => run(!animation.running));
  const buttons = [runButton, button("One round", () => rounds(1)), button(`${AT_ONCE} rounds at once`, () => rounds(AT_ONCE)), button("Forget", () => change(speed))];
  controls.append(shown.row, ...buttons.map(({ row }) => row));

  const outside = () => {
    if (model.get("speed") === speed) return;
    speed = model.get("speed");
    forget();
    draw();
    shown.show(speed);
  };
  model.on("change:speed", outside);
  forget();
  for (let k = 0; k < ahead; k++) round();
  draw();
  const stopResize = onResize(plots, draw);
  return () => {
    animation.stop();
    stopResize();
    announcer.stop();
    model.off("change:speed", outside);
    root.remove();
  };
}

export default { render };
