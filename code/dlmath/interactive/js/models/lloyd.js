import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

const MARKS = [1, 2, 3, 4];
const centreNames = (params) => MARKS.map((j) => `c${j}`).filter((name) => name in params);
const centresOf = (params) => centreNames(params).map((name) => params[name]);

// Distances are measured in standard deviations of the data.
const distance2 = (a, b, sd) => ((a[0] - b[0]) / sd[0]) ** 2 + ((a[1] - b[1]) / sd[1]) ** 2;

// The number of the nearest centre, of several the lowest.
function nearestCentre(point, centres, sd) {
  let best = 0;
  for (let j = 1; j < centres.length; j += 1) {
    if (distance2(point, centres[j], sd) < distance2(point, centres[best], sd)) best = j;
  }
  return best;
}

// A centre without points stays where it is.
function clusterMeans(points, labels, centres) {
  return centres.map((centre, j) => {
    const own = points.filter((_, i) => labels[i] === j);
    return own.length ? [0, 1].map((k) => own.reduce((sum, point) => sum + point[k], 0) / own.length) : centre;
  });
}

function clusterCost(points, labels, centres, sd) {
  return points.reduce((sum, point, i) => sum + distance2(point, centres[labels[i]], sd), 0) / points.length;
}

// The two half-steps from given centres: points choose, centres move, points choose again.
function lloydStep(centres, { points, sd }) {
  const labels = points.map((point) => nearestCentre(point, centres, sd));
  const moved = clusterMeans(points, labels, centres);
  const next = points.map((point) => nearestCentre(point, moved, sd));
  return {
    labels, moved,
    cost: clusterCost(points, labels, centres, sd),
    costMoved: clusterCost(points, labels, moved, sd),
    changed: next.filter((label, i) => label !== labels[i]).length,
    shift: Math.sqrt(Math.max(...centres.map((centre, j) => distance2(centre, moved[j], sd)))),
  };
}

function lloydEnd(centres, data) {
  let state = { moved: centres, changed: 1 }, steps = 0;
  do { state = lloydStep(state.moved, data); steps += 1; } while (state.changed > 0 && steps < 1000);
  return { centres: state.moved, cost: state.costMoved, steps };
}

const named = (centres) => Object.fromEntries(centres.map((centre, j) => [`c${j + 1}`, centre]));

function compute(params, data) {
  const { points, xlabel, ylabel, xlim, ylim, levels, costLimits, starts } = data;
  const centres = centresOf(params), state = lloydStep(centres, data);
  const clusters = centres.map((_, j) => points.filter((_, i) => state.labels[i] === j));
  const settled = state.shift < 1e-9;
  const [low, high] = costLimits, mark = Math.min(state.cost, high), late = mark > (low + high) / 2;
  const left = {
    xlabel, ylabel, xlim, ylim,
    series: [
      ...clusters.map((own, j) => ({ type: "points", x: own.map(([x]) => x), y: own.map(([, y]) => y), color: j + 1, r: 3 })),
      ...centres.map((centre, j) => ({ type: "arrow", x: [centre[0], state.moved[j][0]], y: [centre[1], state.moved[j][1]], color: "ink", width: 2 })),
    ],
  };
  const right = {
    xlabel: "cost C", ylabel: `ends of ${starts} random starts, %`, xlim: costLimits, ylim: [0, 100],
    series: [
      ...levels.map(([cost, share]) => ({ type: "line", x: [cost, cost], y: [0, share], color: "muted", width: 7 })),
      { type: "line", x: [mark, mark], y: [0, 100], color: "ink", width: 1.5, dash: "5 4" },
      { type: "text", x: mark, y: 92, text: state.cost > high ? "your centres →" : "your centres", color: "ink", dx: late ? -6 : 6, anchor: late ? "end" : "start" },
    ],
  };
  return {
    panels: [left, right],
    readouts: [
      ["cost C now", format(state.cost, 4)],
      ["after the centres have moved", format(state.costMoved, 4)],
      ["points that then change cluster", String(state.changed)],
      ["points in the clusters", clusters.map((own) => own.length).join(", ")],
    ],
    message: settled ? "no centre moves any more" : undefined,
  };
}

const actions = {
  step: (params, data) => named(lloydStep(centresOf(params), data).moved),
  run: (params, data) => named(lloydEnd(centresOf(params), data).centres),
  good: (params, { good }) => named(good),
  bad: (params, { bad }) => named(bad),
};

export default computedPlot({ compute, actions });
