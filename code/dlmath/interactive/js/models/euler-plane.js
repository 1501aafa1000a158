import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { decodeFloat16 } from "../float16.js";
import { format } from "../plot.js";
import { decodeLayers, dense } from "./dense.js";
import { normalStream } from "./lehmer.js";

const WALKERS = 400, LINES = 40, LIMIT = 2.4, FREQUENCIES = 16, INSIDE = 3, FINE = 60;

// A network of dlmath.generative (Dense): the place, sines and cosines of it, and an embedding of the time.
function decodeVelocity({ directions, embedding, hidden }) {
  return { directions: decodeFloat16(directions), embedding: decodeLayers(embedding), hidden: decodeLayers(hidden) };
}

function embedTime(network, t) {
  const angles = Array.from({ length: FREQUENCIES }, (_, k) => (4 * t - 2) * 2 * Math.PI * 2 ** (-2 + (4 * k) / (FREQUENCIES - 1)));
  return dense(network.embedding, [...angles.map(Math.sin), ...angles.map(Math.cos)]);
}

function learnedVelocity(network, t) {
  const embedded = embedTime(network, t), { directions, hidden } = network, count = directions.length / 2;
  return ([a, b]) => {
    const angles = Array.from({ length: count }, (_, i) => directions[2 * i] * a + directions[2 * i + 1] * b);
    return dense(hidden, [a, b, ...angles.map(Math.sin), ...angles.map(Math.cos), ...embedded]);
  };
}

// The exact velocity of round Gaussians with equal weights, for independent noise.
function exactVelocityAt({ means, sd }, t) {
  const variance = t * t * sd * sd + (1 - t) ** 2, factor = (t * sd * sd - (1 - t)) / variance;
  return ([a, b]) => {
    const logs = means.map(([p, q]) => -((a - t * p) ** 2 + (b - t * q) ** 2) / (2 * variance)), top = Math.max(...logs);
    const shares = logs.map((l) => Math.exp(l - top)), total = shares.reduce((x, y) => x + y), v = [0, 0];
    means.forEach(([p, q], k) => {
      const w = shares[k] / total;
      v[0] += w * (p + factor * (a - t * p));
      v[1] += w * (q + factor * (b - t * q));
    });
    return v;
  };
}

// All walkers by Euler's method; the velocity of one time serves all of them.
function walkTogether(velocityAt, starts, steps) {
  const paths = starts.map((x) => [x]);
  for (let k = 0; k < steps; k++) {
    const velocity = velocityAt(k / steps);
    for (const path of paths) {
      const x = path[k], v = velocity(x);
      path.push([x[0] + v[0] / steps, x[1] + v[1] / steps]);
    }
  }
  return paths;
}

// The midpoint rule with many steps stands for the flow itself.
function flowOf(velocityAt, start) {
  const path = [start], h = 1 / FINE;
  for (let k = 0; k < FINE; k++) {
    const x = path[k], first = velocityAt(k * h)(x);
    const v = velocityAt((k + 0.5) * h)([x[0] + (h / 2) * first[0], x[1] + (h / 2) * first[1]]);
    path.push([x[0] + h * v[0], x[1] + h * v[1]]);
  }
  return path;
}

// By how much a path is longer than the straight way between its ends, as a share of that.
function detour(path) {
  const way = ([a, b], [c, d]) => Math.hypot(c - a, d - b);
  const length = path.slice(1).reduce((sum, x, k) => sum + way(path[k], x), 0);
  return length / Math.max(way(path[0], path.at(-1)), 1e-9) - 1;
}

const known = new WeakMap();
function prepared(data) {
  if (!known.has(data)) {
    const normal = normalStream(3), starts = Array.from({ length: WALKERS }, () => [normal(), normal()]);
    known.set(data, { starts, network: decodeVelocity(data.network) });
  }
  return known.get(data);
}

const ringAt = ([a, b], r) => {
  const angles = Array.from({ length: 33 }, (_, i) => (Math.PI * i) / 16);
  return { x: angles.map((t) => a + r * Math.cos(t)), y: angles.map((t) => b + r * Math.sin(t)) };
};
const columnsOf = (points) => ({ x: points.map((p) => p[0]), y: points.map((p) => p[1]) });
const frame = (xlabel) => ({ xlabel, ylabel: "x₂", xlim: [-LIMIT, LIMIT], ylim: [-LIMIT, LIMIT], equal: true });

function compute(params, data) {
  const { starts, network } = prepared(data), { steps } = params, { means, sd } = data;
  const velocityAt = params.pairs === "independent" ? (t) => exactVelocityAt(data, t) : (t) => learnedVelocity(network, t);
  const [own, ...paths] = walkTogether(velocityAt, [params.start, ...starts], steps), ends = paths.map((path) => path[steps]), flow = flowOf(velocityAt, params.start);
  const nearest = ends.map(([a, b]) => Math.min(...means.map(([p, q]) => Math.hypot(a - p, b - q))));
  const outside = nearest.filter((d) => d > INSIDE * sd).length / ends.length;
  const rings = means.map((mean) => ({ type: "line", ...ringAt(mean, INSIDE * sd), color: "ink", width: 1.25 }));
  return {
    panels: [
      {
        ...frame("x₁, on the way"),
        series: [
          ...rings,
          ...paths.slice(0, LINES).map((path) => ({ type: "line", ...columnsOf(path), color: 1, width: 1 })),
          { type: "line", ...columnsOf(flow), color: 3, width: 2 },
          { type: "line", ...columnsOf(own), color: 2, width: 2.25, dash: "5 3" },
          { type: "points", ...columnsOf(own.slice(1)), color: 2, r: own.slice(1).map((_, k) => (k === steps - 1 ? 5 : 2.5)) },
          ...keys([["— walkers", 1], ["- - yours", 2], ["— its flow", 3]], LIMIT, LIMIT),
        ],
      },
      { ...frame("x₁, at t = 1"), series: [...rings, { type: "points", ...columnsOf(ends), color: 1, r: 2.25 }, { type: "points", x: [own[steps][0]], y: [own[steps][1]], color: 2, r: 5 }] },
    ],
    readouts: [
      ["evaluations for each sample", String(steps)],
      ["outside of all circles", `${format(100 * outside, 2)} % (real data: ${format(100 * Math.exp((-INSIDE * INSIDE) / 2), 2)} %)`],
      ["your walker ends at", own[steps].map((v) => format(v, 3)).join(", ")],
      ["its flow ends at", flow.at(-1).map((v) => format(v, 3)).join(", ")],
      ["its flow is longer than the straight way by", `${format(100 * detour(flow), 2)} %`],
    ],
  };
}

export default computedPlot({ compute });
