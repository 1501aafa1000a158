import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { leastSquares } from "../linalg.js";

const dot = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);
const combine = (...terms) => terms[0][1].map((_, i) => terms.reduce((sum, [c, v]) => sum + c * v[i], 0));
const unit = (v) => combine([1 / (Math.sqrt(dot(v, v)) || 1), v]);

// The residual of the line theta0 + theta1 x and its inner products with the two columns.
function residual({ theta0, theta1 }, { x, y }) {
  const ones = x.map(() => 1);
  const fitted = combine([theta0, ones], [theta1, x]);
  const r = combine([1, y], [-1, fitted]);
  return { fitted, r, squared: dot(r, r), withOnes: dot(ones, r), withX: dot(x, r) };
}

function solve(params, { x, y }) {
  const [theta0, theta1] = leastSquares(x.map((xi) => [1, xi]), y).theta;
  return { theta0, theta1 };
}

function camera({ azimuth, elevation }) {
  const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180;
  const right = [-Math.sin(a), Math.cos(a), 0];
  const up = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
  return (v) => [dot(v, right), dot(v, up)];
}

function scene(params, { x, y, radius }, { fitted, r, squared, withOnes, withX }) {
  const view = camera(params);
  const ones = x.map(() => 1), origin = [0, 0, 0];
  const q1 = unit(ones), q2 = unit(combine([1, x], [-dot(q1, x), q1]));
  const path = (vectors) => { const points = vectors.map(view); return { x: points.map((p) => p[0]), y: points.map((p) => p[1]) }; };
  const arrow = (from, to, color, width) => ({ type: "arrow", ...path([from, to]), color, width });
  // A label stands at a point, pushed along a direction or, aside, across it.
  const label = (at, text, color, along, aside = false) => {
    const [px, py] = view(at), [u, v] = unit(view(along));
    const [dx, dy] = aside ? [-v, -u] : [u, -v];
    return { type: "text", x: px, y: py, text, color, dx: 13 * dx, dy: 13 * dy + 4, anchor: "middle" };
  };
  const [centre1, centre2] = [dot(q1, y) / 2, dot(q2, y) / 2];
  const corner = (s, t) => combine([centre1 + s * radius, q1], [centre2 + t * radius, q2]);
  const axes = [0, 1, 2].map((i) => origin.map((_, j) => (i === j ? 0.7 * radius : 0)));
  const series = [
    { type: "polygon", ...path([corner(-0.7, -0.7), corner(0.7, -0.7), corner(0.7, 0.7), corner(-0.7, 0.7)]), color: 1, opacity: 0.13 },
    ...axes.map((axis) => ({ type: "line", ...path([origin, axis]), color: "muted", width: 1 })),
    ...axes.map((axis, i) => label(axis, `y${"₁₂₃"[i]}`, "muted", axis)),
    arrow(origin, ones, 3), label(ones, "1", 3, ones, true),
    arrow(origin, x, 3), label(x, "x", 3, x, true),
    arrow(origin, fitted, 1, 2.5), label(fitted, "Xθ", 1, fitted),
    arrow(origin, y, "ink", 2.5), label(y, "y", "ink", y),
    { type: "line", ...path([fitted, y]), color: 2, width: 2.5 },
  ];
  if (Math.sqrt(squared) > 0.05 * radius) series.push(label(combine([0.5, fitted], [0.5, y]), "r", 2, r, true));
  const size = 0.09 * radius;
  if (Math.hypot(withOnes, withX) < 1e-6 * radius && Math.sqrt(squared) > 2 * size) {
    const n = unit(r), inward = unit(combine([-1, fitted]));
    series.push({ type: "line", ...path([combine([1, fitted], [size, n]), combine([1, fitted], [size, n], [size, inward]), combine([1, fitted], [size, inward])]), color: 2, width: 1.5 });
  }
  const [cx, cy] = view(combine([centre1, q1], [centre2, q2]));
  return { axes: false, equal: true, xlim: [cx - 0.95 * radius, cx + 0.95 * radius], ylim: [cy - 0.95 * radius, cy + 0.95 * radius], series };
}

function compute(params, data) {
  const { x, y, xlim, ylim } = data;
  const state = residual(params, data);
  const ends = xlim.map((at) => params.theta0 + params.theta1 * at);
  const plane = {
    xlabel: "x", ylabel: "y", xlim, ylim,
    series: [
      ...x.map((xi, i) => ({ type: "line", x: [xi, xi], y: [y[i], state.fitted[i]], color: 2, width: 2.5 })),
      { type: "line", x: xlim, y: ends, color: 1, width: 2.5 },
      { type: "points", x, y, color: "ink", r: 5 },
    ],
  };
  const zero = (value) => format(Math.abs(value) < 1e-12 ? 0 : value);
  return {
    panels: [plane, scene(params, data, state)],
    readouts: [["‖r‖²", format(state.squared, 4)], ["1ᵀr", zero(state.withOnes)], ["xᵀr", zero(state.withX)]],
  };
}

export default computedPlot({ compute, actions: { solve } });
