import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { normalStream } from "./lehmer.js";
import { spaced } from "./rotated.js";

const FIRST = -1, REACH = 3, POINTS = 121, CHI2 = 5.991464547107979;

// E relu relu of the inputs (x, 1) and (z, 1): the arc-cosine kernel.
function arcCosine(x, z) {
  const lengths = Math.hypot(x, 1) * Math.hypot(z, 1), inner = x * z + 1;
  const angle = Math.acos(Math.max(-1, Math.min(1, inner / lengths)));
  return (lengths * Math.sin(angle) + inner * (Math.PI - angle)) / (2 * Math.PI);
}

// Units of one network: weight, bias and sign, from three normal numbers each.
function unitsOf(stream, m) {
  return Array.from({ length: m }, () => ({ w: stream(), b: stream(), a: stream() > 0 ? 1 : -1 }));
}

const output = (units, x) => units.reduce((sum, { w, b, a }) => sum + a * Math.max(w * x + b, 0), 0) / Math.sqrt(units.length);

function networksOf({ m, draw, place }, { count, shown }) {
  const stream = normalStream(7919 * draw + 1), at = spaced(-REACH, REACH, POINTS);
  const curves = [], pairs = [];
  for (let k = 0; k < count; k++) {
    const units = unitsOf(stream, m);
    if (k < shown) curves.push(at.map((x) => output(units, x)));
    pairs.push([output(units, FIRST), output(units, place)]);
  }
  return { at, curves, pairs };
}

// What the process says of the two points, and where the ellipse lies.
function process(place) {
  const a = arcCosine(FIRST, FIRST), b = arcCosine(FIRST, place), c = arcCosine(place, place);
  const l11 = Math.sqrt(a), l21 = b / l11, l22 = Math.sqrt(Math.max(c - l21 * l21, 0));
  const r = Math.sqrt(CHI2), turn = spaced(0, 2 * Math.PI, 97);
  return {
    a, b, c, l11, l21, l22,
    x: turn.map((t) => r * l11 * Math.cos(t)),
    y: turn.map((t) => r * (l21 * Math.cos(t) + l22 * Math.sin(t))),
  };
}

const average = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

function summary(pairs, { b, l11, l21, l22 }) {
  const products = pairs.map(([f, g]) => f * g), covariance = average(products);
  const error = Math.sqrt(average(products.map((v) => (v - covariance) ** 2)) / pairs.length);
  const inside = pairs.filter(([f, g]) => {
    const u = f / l11, v = l22 > 1e-9 ? (g - l21 * u) / l22 : 0;
    return u * u + v * v <= CHI2;
  }).length / pairs.length;
  const second = average(pairs.map(([f]) => f ** 2)), fourth = average(pairs.map(([f]) => f ** 4));
  return { covariance, error, exact: b, inside, excess: fourth / second ** 2 - 3 };
}

function compute(params, data) {
  const { at, curves, pairs } = networksOf(params, data), gp = process(params.place);
  const found = summary(pairs, gp), width = at.map((x) => 1.959963984540054 * Math.sqrt(arcCosine(x, x)));
  const reach = 5.5, wide = 2.2 * Math.sqrt(CHI2 * gp.a / 4), tall = 2.2 * Math.sqrt(CHI2 * gp.c / 4);
  const kept = pairs.filter(([f, g]) => Math.abs(f) < wide && Math.abs(g) < tall);
  return {
    panels: [
      {
        xlabel: "input x", ylabel: "output f(x)", xlim: [-REACH, REACH], ylim: [-reach, reach],
        series: [
          { type: "band", x: at, low: width.map((v) => -v), high: width, color: 6 },
          ...curves.map((y, k) => ({ type: "line", x: at, y, color: (k % 5) + 1, width: 1.5 })),
          ...[FIRST, params.place].map((x) => ({ type: "line", x: [x, x], y: [-reach, reach], color: "muted", width: 1, dash: "2 4" })),
          ...keys([["networks", 1], ["95% of the process", 6]], REACH, reach),
        ],
      },
      {
        xlabel: "f at the first place", ylabel: "f at the second place", xlim: [-wide, wide], ylim: [-tall, tall],
        series: [
          { type: "points", x: kept.map(([f]) => f), y: kept.map(([, g]) => g), color: 1, r: 2 },
          { type: "line", x: gp.x, y: gp.y, color: 2, width: 2 },
          ...keys([["• networks", 1], ["95% of the process", 2]], wide, tall),
        ],
      },
    ],
    readouts: [
      ["covariance, closed form", format(found.exact)],
      [`of ${pairs.length} networks`, `${format(found.covariance)} ± ${format(found.error, 1)}`],
      ["inside the ellipse", `${format(100 * found.inside)}%`],
      ["excess of the fourth moment", format(found.excess, 2)],
      ["in theory, 3/m", format(3 / params.m, 2)],
    ],
  };
}

const another = ({ draw }, { most }) => ({ draw: (draw % most) + 1 });

export default computedPlot({ compute, actions: { another } });
