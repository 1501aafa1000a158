import { Panel, format, html, onResize, svg, withError } from "./plot.js";
import { makeFrame, select, slider } from "./controls.js";
import { lineFit } from "./models/line.js";

const HINT = "Point at a data point, or tab into the plot and use the arrow keys, to read its name.";

function padded(values) {
  const low = Math.min(...values), high = Math.max(...values), margin = 0.05 * (high - low || 1);
  return [low - margin, high + margin];
}

// The points of the chosen group (0: all), by index, in order of x.
function chosen(group, labels, groups, x) {
  const inside = x.map((_, i) => i).filter((i) => group === 0 || groups[i] === labels[group - 1]);
  return inside.sort((a, b) => x[a] - x[b]);
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const [groups, y, names] = ["groups", "y", "names"].map((name) => model.get(name));
  const xOptions = model.get("x_options"), ylabel = model.get("ylabel");
  const labels = [...new Set(groups)];
  const panel = new Panel(plots);
  const cross = svg("g", { class: "dlm-cross" });
  const layer = svg("svg", { class: "dlm-handles", role: "slider", tabindex: 0, "aria-label": "Points of the plot" }, cross);
  panel.box.append(layer);
  const card = html("p", { class: "dlm-hint dlm-card" }, HINT);
  readouts.list.before(card);
  let scales = null, shown = [], at = null;
  let state = { x: model.get("x"), group: model.get("group") };

  function draw() {
    const x = xOptions[state.x];
    shown = chosen(state.group, labels, groups, x);
    const pick = (values) => shown.map((i) => values[i]);
    const fit = lineFit(pick(x), pick(y));
    const xlim = padded(x), ylim = padded(y);
    const series = [];
    for (const label of labels) {
      const chain = chosen(1, [label], groups, x);
      const active = state.group === 0 || label === labels[state.group - 1];
      const cx = chain.map((i) => x[i]), cy = chain.map((i) => y[i]);
      series.push({ type: "line", x: cx, y: cy, color: active ? 1 : "line", width: active && state.group ? 1.75 : 0.75 });
      series.push({ type: "points", x: cx, y: cy, color: active ? 1 : "line", r: active ? 3.5 : 2.5 });
    }
    if (state.group) series.push(...series.splice(2 * (state.group - 1), 2));
    if (fit) series.push({ type: "line", x: xlim, y: xlim.map((value) => fit.intercept + fit.slope * value), color: 2, width: 2 });
    scales = panel.draw({ xlim, ylim, xlabel: state.x, ylabel, series }) ?? scales;
    layer.setAttribute("viewBox", panel.picture.getAttribute("viewBox"));
    readouts.show(fit ? [
      ["points", String(shown.length)],
      ["slope", withError(fit.slope, fit.slopeError)],
      ["intercept", withError(fit.intercept, fit.interceptError)],
      ["rms residual", format(fit.rms)],
    ] : [["points", String(shown.length)], ["line", "needs three points"]]);
    mark();
    return fit;
  }

  // The point under the eye: a ring, a line of text and the slider's value.
  function mark() {
    layer.setAttribute("aria-valuemin", 1);
    layer.setAttribute("aria-valuemax", shown.length);
    layer.setAttribute("aria-valuenow", Math.max(0, shown.indexOf(at)) + 1);
    const known = at !== null && shown.includes(at);
    const text = known ? `${names[at]}: ${state.x} ${format(xOptions[state.x][at], 4)}, ${ylabel} ${format(y[at], 4)}` : HINT;
    card.textContent = text;
    layer.setAttribute("aria-valuetext", known ? text : "none chosen");
    cross.replaceChildren();
    if (!known || scales === null) return;
    const [px, py] = [scales.x(xOptions[state.x][at]), scales.y(y[at])];
    const right = px > (scales.frame.left + scales.frame.right) / 2;
    cross.append(
      svg("circle", { cx: px, cy: py, r: 7, class: "dlm-mark" }),
      svg("text", { x: px + (right ? -12 : 12), y: py + 4, "text-anchor": right ? "end" : "start", class: "dlm-label dlm-name" }, names[at]),
    );
  }

  function change(next) {
    state = { ...state, ...next };
    const fit = draw();
    announcer.say(`${groupName(state.group)}: ${fit ? `slope ${format(fit.slope)}, rms residual ${format(fit.rms)}` : "too few points for a line"}`);
    model.set("x", state.x);
    model.set("group", state.group);
    model.save_changes();
  }

  const groupName = (k) => (k === 0 ? `all ${labels.length}` : String(labels[k - 1]));
  const group = slider(model.get("group_label"), { min: 0, max: labels.length, step: 1, integer: true, describe: groupName }, state.group, (value) => change({ group: value }));
  const axis = select("Horizontal axis", Object.keys(xOptions).map((name) => [name, name]), state.x, (value) => change({ x: value }));
  controls.append(axis.row, group.row);

  const point = (event) => {
    if (scales === null) return;
    const corner = layer.getBoundingClientRect(), x = xOptions[state.x];
    const away = (i) => Math.hypot(scales.x(x[i]) - event.clientX + corner.left, scales.y(y[i]) - event.clientY + corner.top);
    const nearest = shown.reduce((best, i) => (away(i) < away(best) ? i : best), shown[0]);
    const next = away(nearest) < 30 ? nearest : null;
    if (next !== at) { at = next; mark(); }
  };
  layer.addEventListener("pointerdown", point);
  layer.addEventListener("pointermove", point);
  layer.addEventListener("pointerleave", () => { at = null; mark(); });
  layer.addEventListener("keydown", (event) => {
    const from = shown.indexOf(at), last = shown.length - 1;
    const to = { ArrowRight: from + 1, ArrowUp: from + 1, ArrowLeft: from - 1, ArrowDown: from - 1, PageUp: from + 10, PageDown: from - 10, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    at = shown[Math.max(0, Math.min(last, to))];
    mark();
  });

  draw();
  const outside = () => {
    state = { x: model.get("x"), group: model.get("group") };
    axis.show(state.x);
    group.show(state.group);
    draw();
  };
  model.on("change:x", outside);
  model.on("change:group", outside);
  const stopResize = onResize(panel.box, draw);
  return () => {
    stopResize();
    announcer.stop();
    model.off("change:x", outside);
    model.off("change:group", outside);
    root.remove();
  };
}

export default { render };
