import { Panel, format, html, onResize, svg, withError } from "./plot.js";
import { button, checkbox, makeFrame, select } from "./controls.js";
import { polyfit } from "./models/polyfit.js";

const DEGREES = ["0: a constant", "1: a straight line", "2: a parabola", "3", "4", "5"];
const BANDS = [["none", "none"], ["confidence", "confidence, 95%"], ["prediction", "prediction, 95%"]];
const HINT = "Drag a point, or an end of its error bar. Keys: arrows move the point, + and − change its error bar.";
const QUANTILE = 1.959963984540054;

const subscript = (j) => "₀₁₂₃₄₅₆₇₈₉"[j];

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length / 2;
  return (sorted[Math.floor(middle - 0.25)] + sorted[Math.floor(middle)]) / 2;
}

// What the figure shows, from the state alone.
function describeFit({ x, y, sigma, degree, band, weighted, xlim, ylim, xlabel, ylabel }) {
  const fit = polyfit(x, y, sigma, degree, weighted);
  const spec = { xlim, ylim, xlabel, ylabel, series: [] };
  if (fit === null) return { fit, spec };
  const grid = Array.from({ length: 121 }, (_, i) => xlim[0] + (i / 120) * (xlim[1] - xlim[0]));
  const at = grid.map(fit.predict);
  const extra = band === "prediction" ? median(sigma) : 0;
  if (band !== "none") {
    const half = at.map(({ error }) => QUANTILE * Math.hypot(error, extra));
    spec.series.push({ type: "band", x: grid, low: at.map(({ mean }, i) => mean - half[i]), high: at.map(({ mean }, i) => mean + half[i]), color: 1 });
  }
  if (!weighted) {
    const best = polyfit(x, y, sigma, degree, true);
    spec.series.push({ type: "line", x: grid, y: grid.map((g) => (best ?? fit).predict(g).mean), color: "muted", width: 1.5, dash: "5 4" });
    spec.series.push({ type: "text", x: xlim[1], y: ylim[1], dy: -11, anchor: "end", text: "- - with weights", color: "muted" });
  }
  spec.series.push({ type: "line", x: grid, y: at.map(({ mean }) => mean), color: 1, width: 2.25 });
  return { fit, spec };
}

function readouts(fit) {
  if (fit === null) return [["Fit", "these points do not determine the polynomial"]];
  return [
    ["χ²", format(fit.chi2, 4)],
    ["degrees of freedom", String(fit.dof)],
    ["χ² / dof", fit.dof > 0 ? format(fit.chi2 / fit.dof) : "–"],
    ["p-value", fit.pValue === null ? "–" : format(fit.pValue, 2)],
    ...fit.theta.map((value, j) => [`θ${subscript(j)}`, withError(value, fit.errors[j])]),
  ];
}

// Area stands for weight; the mean weight has radius 5.
function radii(sigma, weighted) {
  const weights = sigma.map((s) => (weighted ? 1 / (s * s) : 1));
  const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
  return weights.map((w) => Math.max(2.5, Math.min(10, 5 * Math.sqrt(w / mean))));
}

class Handle {
  constructor(layer, index, count) {
    this.bar = svg("path", { class: "dlm-bar" });
    this.zone = svg("rect", { fill: "transparent", width: 32 });
    this.ring = svg("circle", { class: "dlm-ring" });
    this.point = svg("circle", { class: "dlm-point" });
    this.node = svg("g", { class: "dlm-handle", role: "slider", tabindex: 0, "aria-label": `Point ${index + 1} of ${count}`, "aria-orientation": "vertical" }, this.bar, this.zone, this.ring, this.point);
    layer.append(this.node);
  }

  // e is half the length of the error bar in pixels.
  place(px, py, e, radius) {
    this.py = py;
    this.e = e;
    this.bar.setAttribute("d", `M${px} ${py - e}V${py + e}M${px - 5} ${py - e}h10M${px - 5} ${py + e}h10`);
    for (const [name, value] of [["x", px - 16], ["y", py - e - 12], ["height", 2 * e + 24]]) this.zone.setAttribute(name, value);
    for (const [circle, r] of [[this.ring, Math.max(radius + 5, 12)], [this.point, radius]]) {
      circle.setAttribute("cx", px);
      circle.setAttribute("cy", py);
      circle.setAttribute("r", r);
    }
  }

  // The nearer of the point and the ends of its bar is meant; the point keeps 10 pixels to itself.
  isEnd(pixel) {
    const away = Math.abs(pixel - this.py);
    return away > 10 && Math.abs(away - this.e) < away;
  }
}

function render({ model, el }) {
  const { root, controls, plots, readouts: numbers, announcer } = makeFrame(el, model);
  const panel = new Panel(plots);
  const layer = svg("svg", { class: "dlm-handles", role: "group", "aria-label": "Data points" });
  panel.box.append(layer);
  numbers.list.before(html("p", { class: "dlm-hint" }, HINT));
  numbers.list.classList.add("dlm-fit");
  const names = ["x", "y", "sigma", "degree", "band", "weighted", "xlim", "ylim", "xlabel", "ylabel"];
  const read = () => Object.fromEntries(names.map((name) => [name, Array.isArray(model.get(name)) ? [...model.get(name)] : model.get(name)]));
  let state = read();
  const start = read();
  const handles = state.x.map((_, i) => new Handle(layer, i, state.x.length));
  let scales = null;

  function valueText(i) {
    const { x, y, sigma } = state;
    return `${state.ylabel} ${format(y[i])}, error ${format(sigma[i], 2)}, ${state.xlabel} ${format(x[i])}`;
  }

  function draw() {
    const { fit, spec } = describeFit(state);
    scales = panel.draw(spec) ?? scales;
    numbers.show(readouts(fit));
    if (scales === null) return;
    layer.setAttribute("viewBox", panel.picture.getAttribute("viewBox"));
    const sizes = radii(state.sigma, state.weighted);
    handles.forEach((handle, i) => {
      const py = scales.y(state.y[i]);
      handle.place(scales.x(state.x[i]), py, Math.abs(scales.y(state.y[i] + state.sigma[i]) - py), sizes[i]);
      for (const [name, value] of [["valuenow", state.y[i]], ["valuemin", state.ylim[0]], ["valuemax", state.ylim[1]], ["valuetext", valueText(i)]]) {
        handle.node.setAttribute(`aria-${name}`, value);
      }
    });
  }

  function summary() {
    const { fit } = describeFit(state);
    if (fit === null) return readouts(fit)[0][1];
    return `Chi squared ${format(fit.chi2)} for ${fit.dof} degrees of freedom; parameters ${fit.theta.map((value) => format(value)).join(", ")}`;
  }

  function change(next) {
    state = { ...state, ...next };
    draw();
    announcer.say(summary());
  }

  // Each name that is set is heard at once, when the others are still those of before.
  let saving = false;
  function save() {
    saving = true;
    for (const name of ["x", "y", "sigma", "degree", "band", "weighted"]) model.set(name, state[name]);
    saving = false;
    model.save_changes();
  }

  const clamp = (value, [low, high]) => Math.max(low, Math.min(high, value));
  const replace = (values, i, value) => values.map((old, j) => (j === i ? value : old));
  const span = () => state.ylim[1] - state.ylim[0];
  const movePoint = (i, x, y) => change({ x: replace(state.x, i, clamp(x, state.xlim)), y: replace(state.y, i, clamp(y, state.ylim)) });
  const resize = (i, sigma) => change({ sigma: replace(state.sigma, i, clamp(sigma, [span() / 200, span() / 2])) });

  function press(event, i) {
    const handle = handles[i], corner = layer.getBoundingClientRect();
    const at = (e) => [e.clientX - corner.left, e.clientY - corner.top];
    const [px, py] = at(event);
    const end = handle.isEnd(py);
    const dx = px - scales.x(state.x[i]), dy = py - scales.y(state.y[i]);
    const slack = Math.abs(dy) - handle.e;
    const move = (e) => {
      const [qx, qy] = at(e);
      if (!end) return movePoint(i, scales.x.invert(qx - dx), scales.y.invert(qy - dy));
      const length = Math.max(0, Math.abs(qy - handle.py) - slack);
      return resize(i, Math.abs(scales.y.invert(handle.py - length) - state.y[i]));
    };
    const release = () => {
      handle.node.classList.remove("dlm-held");
      handle.node.removeEventListener("pointermove", move);
      save();
    };
    event.preventDefault();
    handle.node.setPointerCapture(event.pointerId);
    handle.node.focus({ focusVisible: false });
    handle.node.classList.add("dlm-held");
    handle.node.addEventListener("pointermove", move);
    handle.node.addEventListener("lostpointercapture", release, { once: true });
  }

  function type(event, i) {
    const { x, y, sigma, xlim } = state;
    const up = span() / 50, right = (xlim[1] - xlim[0]) / 50;
    const grow = () => resize(i, sigma[i] * 1.1), shrink = () => resize(i, sigma[i] / 1.1);
    const actions = {
      ArrowUp: () => (event.shiftKey ? grow() : movePoint(i, x[i], y[i] + up)),
      ArrowDown: () => (event.shiftKey ? shrink() : movePoint(i, x[i], y[i] - up)),
      ArrowRight: () => movePoint(i, x[i] + right, y[i]),
      ArrowLeft: () => movePoint(i, x[i] - right, y[i]),
      PageUp: () => movePoint(i, x[i], y[i] + 5 * up),
      PageDown: () => movePoint(i, x[i], y[i] - 5 * up),
      "+": grow,
      "-": shrink,
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (!action) return;
    event.preventDefault();
    // In a notebook the arrows would also move between cells.
    event.stopPropagation();
    action();
    save();
  }

  handles.forEach(({ node }, i) => {
    node.addEventListener("pointerdown", (event) => press(event, i));
    node.addEventListener("keydown", (event) => type(event, i));
  });

  const choose = (next) => { change(next); save(); };
  const degrees = DEGREES.slice(0, Math.min(6, state.x.length)).map((name, j) => [j, name]);
  const degree = select("Degree", degrees, state.degree, (value) => choose({ degree: Number(value) }));
  const band = select("Band", BANDS, state.band, (value) => choose({ band: value }));
  const equal = checkbox("Equal weights", !state.weighted, (checked) => choose({ weighted: !checked }));
  const showControls = () => {
    degree.show(state.degree);
    band.show(state.band);
    equal.show(!state.weighted);
  };
  const reset = button("Reset", () => { choose(structuredClone(start)); showControls(); });
  controls.append(...[degree, band, equal, reset].map(({ row }) => row));

  const outside = () => {
    if (saving) return;
    state = read();
    draw();
    showControls();
  };
  const watched = names.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  draw();
  const stopResize = onResize(panel.box, draw);
  return () => {
    stopResize();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
