import { Panel, format, onResize } from "./plot.js";
import { button, makeFrame, select, slider } from "./controls.js";
import { ACTIVATIONS, backpropagate, downhill, listOf, propagate, unpack } from "./models/two-layers.js";

const ETA = 0.5, LAST = 9;
const TITLES = [
  "inputs and parameters", "forward: into the hidden layer", "forward: out of the hidden layer",
  "forward: into the output", "forward: out of the output", "forward: the loss",
  "backward: error at the output", "backward: weights and bias of the output",
  "backward: error in the hidden layer", "backward: weights and biases of the hidden layer",
];
const INDICES = "₀₁₂₃", LAYERS = "⁰¹²";
const lower = (...indices) => indices.map((i) => INDICES[i]).join("");

// Names of all numbers, in the order of the list; with one node a layer no index is needed.
function namesOf(inputs, hidden) {
  const one = inputs === 1 && hidden === 1;
  const index = (...at) => (one ? "" : lower(...at));
  return [
    ...listOf(inputs, (i) => `x${index(i + 1)}`), "y",
    ...listOf(inputs, (i) => listOf(hidden, (j) => `w¹${index(i + 1, j + 1)}`)).flat(),
    ...listOf(hidden, (j) => `b¹${index(j + 1)}`),
    ...listOf(hidden, (j) => `w²${index(j + 1, 1)}`), "b²",
  ];
}

const number = (value) => format(value, 3);
const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
const plus = (terms) => terms.join(" + ").replaceAll("+ −", "− ");

// What one step computes: names with the arithmetic that gives them.
function sentences(step, network, forward, backward, activation) {
  const { x, y, W1, b1, w2, b2 } = network, { z1, a1, z2, a2, loss } = forward;
  const { slope } = ACTIVATIONS[activation];
  const hidden = b1.length, one = hidden === 1 && x.length === 1, at = (...i) => (one ? "" : lower(...i));
  const each = (make) => listOf(hidden, make);
  const steps = [
    () => [],
    () => each((j) => [`z¹${at(j + 1)}`, `${plus([...x.map((xi, i) => `${number(xi)} · ${factor(W1[i][j])}`), number(b1[j])])} = ${number(z1[j])}`]),
    () => each((j) => [`a¹${at(j + 1)}`, `σ(${number(z1[j])}) = ${number(a1[j])}`]),
    () => [["z²", `${plus([...a1.map((a, j) => `${number(a)} · ${factor(w2[j])}`), number(b2)])} = ${number(z2)}`]],
    () => [["a²", `σ(${number(z2)}) = ${number(a2)}`]],
    () => [["loss ℓ", `(${number(a2)} − ${factor(y)})² = ${number(loss)}`]],
    () => [["δ²", `2 (a² − y) σ′(z²) = 2 · ${factor(a2 - y)} · ${number(slope(z2, a2))} = ${number(backward.delta2)}`]],
    () => [...each((j) => [`∂ℓ/∂w²${at(j + 1, 1)}`, `a¹${at(j + 1)} δ² = ${number(a1[j])} · ${factor(backward.delta2)} = ${number(backward.w2[j])}`]), ["∂ℓ/∂b²", `δ² = ${number(backward.b2)}`]],
    () => each((j) => [`δ¹${at(j + 1)}`, `w²${at(j + 1, 1)} δ² σ′(z¹${at(j + 1)}) = ${number(w2[j])} · ${factor(backward.delta2)} · ${number(slope(z1[j], a1[j]))} = ${number(backward.delta1[j])}`]),
    () => [
      ...x.flatMap((xi, i) => each((j) => [`∂ℓ/∂w¹${at(i + 1, j + 1)}`, `x${at(i + 1)} δ¹${at(j + 1)} = ${number(backward.W1[i][j])}`])),
      ...each((j) => [`∂ℓ/∂b¹${at(j + 1)}`, `δ¹${at(j + 1)} = ${number(backward.b1[j])}`]),
    ],
  ];
  return steps[step]();
}

// Heights of the nodes of a layer in the picture, from the top.
const heights = (count) => (count === 1 ? [0] : listOf(count, (j) => 1 - (2 * j) / (count - 1)));

// The picture: what has been computed so far is written on nodes and edges.
function picture(step, network, forward, backward) {
  const { x, y, W1, b1, w2, b2 } = network, { z1, a1, z2, a2, loss } = forward;
  const rows = [heights(x.length), heights(b1.length), heights(1)];
  const edges = [], nodes = [], words = [];
  const short = (value) => format(value, 2);
  const write = (at, high, text, color, dy, dx = 0, anchor = "middle") => words.push({ type: "text", x: at, y: high, text, color, dy, dx, anchor });

  function edge(layer, from, to, weight, slope, shown, active) {
    const [p, q] = [rows[layer][from], rows[layer + 1][to]];
    edges.push({ type: "line", x: [layer, layer + 1], y: [p, q], color: active ?? "muted", width: active ? 3 : 1.5 });
    const crossing = layer === 0 && x.length > 1 && b1.length > 1 && p !== q;
    const t = crossing ? 0.33 : 0.5, high = p + t * (q - p);
    write(layer + t, high, short(weight), "ink", -5);
    if (shown) write(layer + t, high, short(slope), 2, 14);
  }

  function node(at, high, value, active) {
    nodes.push({ type: "points", x: [at], y: [high], r: 20, color: active ?? "muted", hollow: true });
    if (value !== null) write(at, high, short(value), active ?? "ink", 4);
  }

  x.forEach((xi, i) => W1[i].forEach((w, j) => edge(0, i, j, w, backward.W1[i][j], step >= 9, { 1: 1, 9: 2 }[step])));
  w2.forEach((w, j) => edge(1, j, 0, w, backward.w2[j], step >= 7, { 3: 1, 7: 2, 8: 2 }[step]));
  edges.push({ type: "line", x: [2, 3], y: [0, 0], color: { 5: 1, 6: 2 }[step] ?? "muted", width: step === 5 || step === 6 ? 3 : 1.5, dash: "3 5" });
  x.forEach((xi, i) => node(0, rows[0][i], xi, step === 0 ? 1 : undefined));
  const neuron = (at, high, z, a, bias, delta, from) => {
    const active = { [from]: 1, [from + 1]: 1 }[step] ?? { 1: { 8: 2, 9: 2 }, 2: { 6: 2, 7: 2 } }[at][step];
    node(at, high, step > from ? a : null, active);
    if (step >= from) write(at, high, `z ${short(z)}`, step === from ? 1 : "muted", -27);
    write(at, high, `b ${short(bias)}`, "ink", 35);
    if (step >= (at === 2 ? 6 : 8)) write(at, high, `δ ${short(delta)}`, 2, 50);
  };
  b1.forEach((b, j) => neuron(1, rows[1][j], z1[j], a1[j], b, backward.delta1[j], 1));
  neuron(2, 0, z2, a2, b2, backward.delta2, 3);
  node(3, 0, step >= 5 ? loss : null, step === 5 ? 1 : undefined);
  write(3, 0, `y ${short(y)}`, "ink", 35);
  // A single row needs less room than several.
  const several = Math.max(x.length, b1.length) > 1, top = several ? 1.95 : 1;
  ["x", "hidden", "output", "loss"].forEach((text, at) => write(at, top, text, "muted", 0));
  const ylim = several ? [-1.75, 2.15] : [-0.95, 1.15];
  return { axes: false, xlim: [-0.32, 3.32], ylim, series: [...edges, ...nodes, ...words] };
}

function compute({ step, values, activation }, { inputs, hidden }) {
  const network = unpack(values, inputs, hidden), forward = propagate(network, activation);
  const backward = backpropagate(network, forward, activation);
  const loss = step >= 5 ? [["loss ℓ", number(forward.loss)]] : [];
  const lines = sentences(step, network, forward, backward, activation);
  return {
    forward, backward,
    panel: picture(step, network, forward, backward),
    readouts: [[`step ${step} of ${LAST}`, TITLES[step]], ...lines, ...(step === 5 ? [] : loss)],
  };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data"), names = namesOf(data.inputs, data.hidden);
  let state = { ...model.get("params") }, chosen = data.chosen;
  const panel = new Panel(plots);

  function draw() {
    const { panel: spec, readouts: lines } = compute(state, data);
    panel.draw(spec);
    readouts.show(lines);
    return lines;
  }

  function change(next) {
    state = { ...state, ...next };
    announcer.say(draw().map((pair) => pair.join(" ")).join("; "));
    model.set("params", state);
    model.save_changes();
  }

  const move = (by) => change({ step: Math.max(0, Math.min(LAST, state.step + by)) });
  const describe = (value) => format(value, 3);
  const showValue = () => parts.value.show(state.values[chosen]);
  const descend = () => {
    change({ step: Math.max(5, state.step), values: downhill(state.values, data.inputs, data.hidden, state.activation, ETA) });
    showValue();
  };
  const reset = () => { change({ step: 0, values: data.start }); showValue(); };
  const parts = {
    activation: select("σ", Object.keys(ACTIVATIONS).map((name) => [name, name]), state.activation, (activation) => change({ activation })),
    chosen: select("change", names.map((name, k) => [String(k), name]), String(chosen), (k) => { chosen = Number(k); showValue(); }),
    value: slider("its value", { min: -3, max: 3, step: 0.05, describe }, state.values[chosen], (value) => change({ values: state.values.map((v, k) => (k === chosen ? value : v)) })),
  };
  const buttons = [button("Back", () => move(-1)), button("Next", () => move(1)), button("Step downhill", descend), button("Reset", reset)];
  controls.append(...buttons.map(({ row }) => row), parts.activation.row, parts.chosen.row, parts.value.row);

  const outside = () => {
    if (model.get("params") === state) return;
    state = { ...model.get("params") };
    draw();
    parts.activation.show(state.activation);
    showValue();
  };
  model.on("change:params", outside);
  draw();
  const stopResize = onResize(plots, draw);
  return () => {
    stopResize();
    announcer.stop();
    model.off("change:params", outside);
    root.remove();
  };
}

export default { render };
