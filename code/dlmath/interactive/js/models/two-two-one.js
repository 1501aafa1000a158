import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { regionAbove, sampled, zeroLine } from "./contour.js";

const GRID = 40;
const LIMITS = [-0.5, 1.5];
const HALF = 0.5;
const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]];
// What the corners (0,0), (1,0), (0,1), (1,1) say, as a number in binary.
const FUNCTIONS = [
  "never", "AND", "x₂ and not x₁", "x₂", "x₁ and not x₂", "x₁", "XOR", "OR",
  "NOR", "equal", "not x₁", "x₁ implies x₂", "not x₂", "x₂ implies x₁", "NAND", "always",
];
const ONE_UNIT_FAILS = [6, 9];

const ACTIVATIONS = {
  logistic: (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z))),
  tanh: Math.tanh,
  ReLU: (z) => Math.max(z, 0),
  step: (z) => (z > 0 ? 1 : 0),
};

// One sample forward: z, a and the output.
function forward(p, [x1, x2]) {
  const z = [x1 * p.w11 + x2 * p.w21 + p.b1, x1 * p.w12 + x2 * p.w22 + p.b2];
  const a = z.map(ACTIVATIONS[p.activation]);
  return { z, a, f: a[0] * p.v1 + a[1] * p.v2 + p.c };
}

const names = ["w11", "w21", "b1", "w12", "w22", "b2", "v1", "v2", "c"];
const setting = (values) => Object.fromEntries(names.map((name, i) => [name, values[i]]));

// The presets, written for the logistic function and for ReLU.
const LOGISTIC = {
  xor: [10, 10, -5, 10, 10, -15, 1, -1, 0],
  and: [10, 10, -15, 0, 0, 0, 1, 0, 0],
  ridge: [10, 0, -2, 10, 0, -8, 1, -1, 0],
  corner: [10, 0, -5, 0, 10, -5, 1, 1, -1],
};
const RELU = {
  xor: [1, 1, 0, 1, 1, -1, 1, -2, 0],
  and: [1, 1, -1, 0, 0, 0, 1, 0, 0],
  ridge: [1, 0, -0.5, -1, 0, 0.5, -2, -2, 1],
  corner: [1, 0, -0.5, 0, 1, -0.5, 1, 1, 0],
};

// tanh(z) = 2 expit(2z) - 1: half of each weight, and the constant that is missing.
function preset(name, activation) {
  if (activation === "ReLU") return setting(RELU[name]);
  const values = LOGISTIC[name];
  if (activation === "step") return setting(values.map((v, i) => (i < 6 ? v / 10 : v)));
  if (activation === "logistic") return setting(values);
  const [v1, v2, c] = values.slice(6);
  return setting([...values.slice(0, 8).map((v) => v / 2), c + (v1 + v2) / 2]);
}

function whatCornersSay(p) {
  const f = CORNERS.map((corner) => forward(p, corner).f);
  const code = f.reduce((sum, value, i) => sum + (value > HALF ? 8 >> i : 0), 0);
  return { f, code, name: FUNCTIONS[code], oneUnit: !ONE_UNIT_FAILS.includes(code) };
}

const NODES = { x1: [0.55, 3.05], x2: [0.55, 0.95], h1: [2.15, 3.05], h2: [2.15, 0.95], f: [3.6, 2] };

// A line is as wide as its weight is large; its name stands at a share of the way.
function edge([x0, y0], [x1, y1], weight, scale, at) {
  const color = weight === 0 ? "muted" : weight > 0 ? 1 : 2;
  const line = { type: "line", x: [x0, x1], y: [y0, y1], color, width: 1 + 6 * Math.min(1, Math.abs(weight) / scale) };
  const label = { type: "text", x: x0 + at * (x1 - x0), y: y0 + at * (y1 - y0), dy: -8, anchor: "middle", text: format(weight, 2), color };
  return [line, label];
}

function node([x, y], value, name, color, dy) {
  return [
    { type: "points", x: [x], y: [y], r: 21, color, hollow: true },
    { type: "text", x, y, dy: 4, anchor: "middle", text: format(Math.abs(value) < 5e-4 ? 0 : value, 2), color: "ink" },
    { type: "text", x, y, dy, anchor: "middle", text: name, color },
  ];
}

function networkPanel(p, { hidden, output }) {
  const { a, f } = forward(p, p.probe), { x1, x2, h1, h2 } = NODES;
  const bias = (name, value) => `${name} = ${format(value, 2)}`;
  return {
    axes: false, xlim: [0, 4], ylim: [0, 4],
    series: [
      ...edge(x1, h1, p.w11, hidden, 0.5), ...edge(x2, h1, p.w21, hidden, 0.33),
      ...edge(x1, h2, p.w12, hidden, 0.33), ...edge(x2, h2, p.w22, hidden, 0.5),
      ...edge(h1, NODES.f, p.v1, output, 0.5), ...edge(h2, NODES.f, p.v2, output, 0.5),
      ...node(x1, p.probe[0], "x₁", "ink", -28), ...node(x2, p.probe[1], "x₂", "ink", 37),
      ...node(h1, a[0], bias("a₁, b₁", p.b1), 3, -28), ...node(h2, a[1], bias("a₂, b₂", p.b2), 4, 37),
      ...node(NODES.f, f, "f", "ink", -28),
      { type: "text", x: NODES.f[0], y: NODES.f[1], dy: 37, anchor: "middle", text: bias("c", p.c), color: "ink" },
    ],
  };
}

// The more layers lie on one another, the farther f is from 0.5: above it blue, below it orange.
function planePanel(p, said) {
  const f = (x1, x2) => forward(p, [x1, x2]).f;
  const table = sampled(f, LIMITS, GRID), mirrored = { ...table, values: table.values.map((row) => row.map((v) => -v)) };
  const z = (j) => (x1, x2) => forward(p, [x1, x2]).z[j];
  const column = (chosen, i) => chosen.map((corner) => corner[i]);
  const high = CORNERS.filter((_, i) => said.f[i] > HALF), low = CORNERS.filter((_, i) => !(said.f[i] > HALF));
  return {
    xlabel: "x₁", ylabel: "x₂", xlim: LIMITS, ylim: LIMITS,
    series: [
      ...[0.5, 0.75, 1, 1.5].map((level) => ({ type: "region", ...regionAbove(table, level), color: 1, opacity: 0.15 })),
      ...[-0.5, -0.25, 0, 0.5].map((level) => ({ type: "region", ...regionAbove(mirrored, level), color: 2, opacity: 0.15 })),
      { type: "line", ...zeroLine((x1, x2) => f(x1, x2) - HALF, LIMITS, GRID), color: "ink", width: 2.25 },
      { type: "line", ...zeroLine(z(0), LIMITS, 1), color: 3, width: 2, dash: "6 4" },
      { type: "line", ...zeroLine(z(1), LIMITS, 1), color: 4, width: 2, dash: "2 4" },
      { type: "points", x: column(high, 0), y: column(high, 1), color: 1, r: 7 },
      { type: "points", x: column(low, 0), y: column(low, 1), color: 2, r: 7, hollow: true },
      ...keys([["- - z₁ = 0", 3], ["· · z₂ = 0", 4], ["— f = 0.5", "ink"]], LIMITS[1], LIMITS[1]),
    ],
  };
}

function compute(params, data) {
  const said = whatCornersSay(params);
  const shown = (value) => format(Math.abs(value) < 5e-4 ? 0 : value);
  return {
    panels: [networkPanel(params, data), planePanel(params, said)],
    readouts: [
      ...CORNERS.map(([x1, x2], i) => [`f(${x1}, ${x2})`, shown(said.f[i])]),
      ["f > 0.5 at the corners", said.name],
      ["one unit could do that", said.oneUnit ? "yes" : "no"],
      ["f at the point", shown(forward(params, params.probe).f)],
    ],
  };
}

const actions = Object.fromEntries(Object.keys(LOGISTIC).map((name) => [name, ({ activation }) => preset(name, activation)]));

export default computedPlot({ compute, actions });
