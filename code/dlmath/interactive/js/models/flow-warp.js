import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { decodeLayers, dense } from "./dense.js";
import { normalStream } from "./lehmer.js";

const REACH = 3, LINES = 13, ALONG = 121, RINGS = [1, 2], TURN = 193, SAMPLES = 250, BOUND = 3, VIEW = 3.2;
const logBase = ([a, b]) => -0.5 * (a * a + b * b) - Math.log(2 * Math.PI);

// Scale and shift of one coupling layer, which see the coordinate that it keeps.
function scaleAndShift({ kept, network }, point) {
  const [s, t] = dense(network, [point[kept]]);
  return [BOUND * Math.tanh(s / BOUND), t];
}

// One layer from data to base: u becomes u e^s + t.
function normalise(layer, point) {
  const [s, t] = scaleAndShift(layer, point), moved = [...point];
  moved[1 - layer.kept] = point[1 - layer.kept] * Math.exp(s) + t;
  return { point: moved, logDet: s };
}

// A share of one layer from base to data: u becomes (u - share t) e^(-share s), which is a coupling too.
function undone(layer, point, [s, t], share) {
  const moved = [...point];
  moved[1 - layer.kept] = (point[1 - layer.kept] - share * t) * Math.exp(-share * s);
  return { point: moved, logDet: -share * s };
}

// The layers in the order from base to data; the last one is the change of units.
function decode(data) {
  return { ...data, layers: data.layers.map(({ kept, network }) => ({ kept, network: decodeLayers(network) })).reverse() };
}

function rescaled({ mean, scale }, point, share) {
  return {
    point: point.map((value, i) => value * scale[i] ** share + share * mean[i]),
    logDet: share * Math.log(scale[0] * scale[1]),
  };
}

// From the data to the base: z, and the logarithm of the Jacobian's determinant.
function encode(flow, x) {
  let point = x.map((value, i) => (value - flow.mean[i]) / flow.scale[i]);
  let logDet = -Math.log(flow.scale[0] * flow.scale[1]);
  for (const layer of [...flow.layers].reverse()) {
    const next = normalise(layer, point);
    point = next.point;
    logDet += next.logDet;
  }
  return { z: point, logDet, logProb: logBase(point) + logDet };
}

// All stages of a point on its way from the base: where it is, what moves it next, the log-determinant so far.
function stages(flow, z) {
  const path = [{ point: z, logDet: 0 }];
  for (const layer of flow.layers) {
    const { point, logDet } = path.at(-1), move = scaleAndShift(layer, point);
    path.at(-1).move = move;
    const next = undone(layer, point, move, 1);
    path.push({ point: next.point, logDet: logDet + next.logDet });
  }
  return path;
}

// A point after a number of layers that need not be whole.
function at(flow, path, layers) {
  const whole = Math.min(Math.floor(layers), flow.layers.length), share = layers - whole;
  const { point, logDet, move } = path[whole];
  const last = whole === flow.layers.length;
  const next = last ? rescaled(flow, point, share) : undone(flow.layers[whole], point, move, share);
  return { point: next.point, logDet: logDet + next.logDet };
}

const spaced = (n, reach) => Array.from({ length: n }, (_, i) => reach * ((2 * i) / (n - 1) - 1));

function basePoints() {
  const grid = spaced(LINES, REACH).flatMap((fixed) => [
    spaced(ALONG, REACH).map((moving) => [fixed, moving]),
    spaced(ALONG, REACH).map((moving) => [moving, fixed]),
  ]);
  const rings = RINGS.map((r) => Array.from({ length: TURN }, (_, i) => {
    const angle = (2 * Math.PI * i) / (TURN - 1);
    return [r * Math.cos(angle), r * Math.sin(angle)];
  }));
  const normal = normalStream(1);
  return { grid, rings, samples: Array.from({ length: SAMPLES }, () => [normal(), normal()]) };
}

// What does not change while the reader plays is computed once for a figure.
const cache = new WeakMap();
function prepared(data) {
  if (!cache.has(data)) {
    const flow = decode(data), base = basePoints(), paths = (curve) => curve.map((z) => stages(flow, z));
    cache.set(data, { flow, grid: base.grid.map(paths), rings: base.rings.map(paths), samples: paths(base.samples) });
  }
  return cache.get(data);
}

function drawn(flow, paths, layers) {
  const points = paths.map((path) => at(flow, path, layers).point);
  return { x: points.map(([x]) => x), y: points.map(([, y]) => y) };
}

const circle = ([a, b], r) => {
  const angles = Array.from({ length: 41 }, (_, i) => (Math.PI * i) / 20);
  return { x: angles.map((t) => a + r * Math.cos(t)), y: angles.map((t) => b + r * Math.sin(t)) };
};

function warpPanel({ flow, grid, rings, samples }, { layers, show }, path) {
  const total = flow.layers.length + 1, here = at(flow, path, layers).point;
  const stops = Array.from({ length: total + 1 }, (_, k) => at(flow, path, k).point);
  const series = [];
  if (show === "grid and circles") {
    for (const line of grid) series.push({ type: "line", ...drawn(flow, line, layers), color: "muted", width: 0.8 });
    for (const ring of rings) series.push({ type: "line", ...drawn(flow, ring, layers), color: 1, width: 2 });
  } else series.push({ type: "points", ...drawn(flow, samples, layers), color: 1, r: 2.5 });
  series.push({ type: "line", x: stops.map((p) => p[0]), y: stops.map((p) => p[1]), color: 2, width: 1.25, dash: "3 4" });
  series.push({ type: "points", x: [here[0]], y: [here[1]], color: 2, r: 6 });
  const names = ["the base z", "the data x"];
  const name = layers === 0 ? names[0] : layers === total ? names[1] : `after ${format(layers, 2)} of ${total} layers`;
  return { xlabel: name, ylabel: "", xlim: [-VIEW, VIEW], ylim: [-VIEW, VIEW], equal: true, series };
}

function dataPanel({ flow, samples }, { means, sd }) {
  return {
    xlabel: "x₁, with samples of the flow", ylabel: "x₂", xlim: [-VIEW, VIEW], ylim: [-VIEW, VIEW], equal: true,
    series: [
      { type: "points", ...drawn(flow, samples, flow.layers.length + 1), color: 1, r: 2 },
      ...means.map((mean) => ({ type: "line", ...circle(mean, 2 * sd), color: "ink", width: 1.25 })),
    ],
  };
}

// The logarithm of a mixture of round Gaussians with equal weights.
function logMixture({ means, sd }, [x, y]) {
  const terms = means.map(([a, b]) => -((x - a) ** 2 + (y - b) ** 2) / (2 * sd * sd));
  const top = Math.max(...terms);
  return top + Math.log(terms.reduce((sum, t) => sum + Math.exp(t - top), 0) / means.length) - Math.log(2 * Math.PI * sd * sd);
}

function compute(params, data) {
  const ready = prepared(data), { flow } = ready;
  const { z, logDet, logProb } = encode(flow, params.x);
  const path = stages(flow, z), here = at(flow, path, params.layers);
  const pair = (point) => point.map((value) => format(value, 3)).join(", ");
  return {
    panels: [warpPanel(ready, params, path), dataPanel(ready, data)],
    readouts: [
      ["x", pair(params.x)],
      ["z", pair(z)],
      ["here an area of the base is multiplied by", format(Math.exp(here.logDet))],
      ["log p(z)", format(logBase(z))],
      ["+ log-determinant from x to z", format(logDet)],
      ["= log p(x) of the flow", format(logProb)],
      ["log p(x) of the eight Gaussians", format(logMixture(data, params.x))],
    ],
  };
}

export default computedPlot({ compute });
