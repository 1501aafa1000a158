import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

// Each operation: its value, and what it sends back to its arguments, by adjoint g, value v, arguments.
const RULES = {
  add: [(a, b) => a + b, (g) => [g, g]],
  subtract: [(a, b) => a - b, (g) => [g, -g]],
  multiply: [(a, b) => a * b, (g, v, a, b) => [g * b, g * a]],
  divide: [(a, b) => a / b, (g, v, a, b) => [g / b, (-g * v) / b]],
  sin: [Math.sin, (g, v, a) => [g * Math.cos(a)]],
  exp: [Math.exp, (g, v) => [g * v]],
  log: [Math.log, (g, v, a) => [g / a]],
  tanh: [Math.tanh, (g, v) => [g * (1 - v * v)]],
  square: [(a) => a * a, (g, v, a) => [g * 2 * a]],
  "minus one": [(a) => a - 1, (g) => [g]],
};
const DIGITS = "₀₁₂₃₄₅₆₇₈₉";
const sub = (k) => `v${DIGITS[k]}`;

function forward(lines, inputs) {
  const values = [...inputs];
  for (const { op, args } of lines) values.push(RULES[op][0](...args.map((k) => values[k])));
  return values;
}

// The contributions of a line to its arguments; the slopes when g is 1.
function sent({ op, args }, values, own, g) {
  return RULES[op][1](g, values[own], ...args.map((k) => values[k]));
}

function tangents(lines, values, along) {
  const dots = values.map((_, k) => (k === along ? 1 : 0));
  lines.forEach((line, i) => {
    const own = i + 2, slopes = sent(line, values, own, 1);
    dots[own] = line.args.reduce((sum, k, j) => sum + slopes[j] * dots[k], 0);
  });
  return dots;
}

// Adjoints after so many lines have been gone back through; null where nothing has arrived.
function adjoints(lines, values, back) {
  const bars = values.map(() => null);
  bars[bars.length - 1] = 1;
  for (let done = 0; done < back; done += 1) {
    const own = values.length - 1 - done, line = lines[own - 2];
    sent(line, values, own, bars[own]).forEach((part, j) => { bars[line.args[j]] = (bars[line.args[j]] ?? 0) + part; });
  }
  return bars;
}

// What is known at a step, along which lines something has moved, and in words what has happened.
function sweep(params, { lines }) {
  const N = lines.length, inputs = [params.x, params.y], values = forward(lines, inputs);
  const reverse = params.mode === "reverse";
  const step = Math.min(params.step, reverse ? 2 * N + 1 : N);
  const known = 2 + Math.min(step, N), back = step - N - 1;
  const second = reverse
    ? back < 0 ? values.map(() => null) : adjoints(lines, values, back)
    : tangents(lines, values, params.mode === "forward along x" ? 0 : 1).map((dot, k) => (k < known ? dot : null));
  const shown = values.map((value, k) => (k < known ? value : null));
  const line = back > 0 ? N - back : step > 0 && step <= N ? step - 1 : null;
  return { values: shown, second, line, back, known, reverse, last: N + 1 };
}

function words(at, { lines, names }) {
  const { line, back, values, second, reverse, last } = at;
  if (reverse && back === 0) return `begin with 1 at ${sub(last)}`;
  if (line === null) return "the inputs are given";
  const own = line + 2;
  if (back <= 0) return `${sub(own)} = ${names[own]} = ${format(values[own])}`;
  const parts = sent(lines[line], values, own, second[own]);
  return lines[line].args.map((k, j) => `${sub(own)} sends ${format(parts[j])} to ${sub(k)}`).join(", ");
}

function graph(at, { lines, names, places }) {
  const series = [];
  lines.forEach(({ args }, i) => {
    const own = i + 2;
    args.forEach((k) => {
      const active = at.line === i, [a, b] = at.back > 0 && active ? [own, k] : [k, own];
      const along = (t, axis) => places[a][axis] + t * (places[b][axis] - places[a][axis]);
      series.push({ type: "arrow", x: [along(0.2, 0), along(0.8, 0)], y: [along(0.2, 1), along(0.8, 1)], color: active ? (at.back > 0 ? 2 : 1) : "muted", width: active ? 3.5 : 1.25 });
    });
  });
  places.forEach(([x, y], k) => {
    const color = at.second[k] !== null && at.reverse ? 2 : at.values[k] !== null ? 1 : "muted";
    series.push({ type: "points", x: [x], y: [y], r: 15, color, hollow: true });
    series.push({ type: "text", x, y, text: sub(k), anchor: "middle", dy: 4 });
    // A node shows what is known of it, on its right.
    if (at.values[k] !== null) series.push({ type: "text", x, y, text: format(at.values[k]), dx: 21, dy: -3, color: 1 });
    if (at.second[k] !== null) series.push({ type: "text", x, y, text: format(at.second[k]), dx: 21, dy: 13, color: 2 });
    if (k < 2) series.push({ type: "text", x, y, text: names[k], anchor: "middle", dy: 32, color: "muted" });
  });
  return { axes: false, xlim: [-0.35, 2.85], ylim: [-0.55, 4.3], series };
}

function table(at, { names }) {
  const rows = names.length, second = at.reverse ? "adjoint" : "tangent";
  const cell = (x, y, text, anchor, color) => ({ type: "text", x, y, text, anchor, color });
  const number = (value) => (value === null ? "·" : format(value));
  const series = [cell(0, 0, "line", "start", "muted"), cell(7, 0, "value", "end", 1), cell(10, 0, second, "end", 2)];
  names.forEach((name, k) => {
    const bold = at.line === k - 2 ? (at.back > 0 ? 2 : 1) : "ink";
    series.push(cell(0, k + 1, `${sub(k)} = ${name}`, "start", bold), cell(7, k + 1, number(at.values[k]), "end", 1), cell(10, k + 1, number(at.second[k]), "end", 2));
  });
  return { axes: false, xlim: [0, 10.2], ylim: [rows + 0.6, -0.7], series };
}

function compute(params, { programs }) {
  const program = programs[params.program], at = sweep(params, program);
  const [dx, dy] = at.second, last = at.last;
  const number = (value) => (value === null ? "not yet" : format(value));
  const derivatives = at.reverse
    ? [["∂f/∂x", at.back >= last - 1 ? number(dx) : "not yet"], ["∂f/∂y", at.back >= last - 1 ? number(dy) : "not yet"]]
    : [[params.mode === "forward along x" ? "∂f/∂x" : "∂f/∂y", number(at.second[last])]];
  return {
    panels: [graph(at, program), table(at, program)],
    readouts: [["this step", words(at, program)], ["f", number(at.values[last])], ...derivatives],
  };
}

export default computedPlot({ compute });
