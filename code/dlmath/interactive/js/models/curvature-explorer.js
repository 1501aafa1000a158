import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { keys } from "../keys.js";
import { zeroLine } from "./contour.js";
import { bfgs, dampedNewton, eigen, plainNewton, steepestDescent } from "./quasi-newton.js";
import { himmelblau, rosenbrock } from "./valleys.js";

const TOL = 1e-6, MOST = 200, GRID = 56, LEAST = 1e-12;

// Cost, gradient and Hessian.
const SURFACES = {
  rosenbrock: {
    ...rosenbrock,
    h: ([x, y]) => [[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200]],
  },
  himmelblau,
  well: {
    f: ([x, y]) => Math.sqrt(1 + x * x) + 2 * Math.sqrt(1 + y * y) - 3,
    g: ([x, y]) => [x / Math.sqrt(1 + x * x), (2 * y) / Math.sqrt(1 + y * y)],
    h: ([x, y]) => [[(1 + x * x) ** -1.5, 0], [0, 2 * (1 + y * y) ** -1.5]],
  },
};

const NAMES = [["gradient descent", 1], ["BFGS", 2], ["Newton", 3]];
const contours = {};

// Level lines, computed once for each surface; the logarithm is straighter than the cost.
function levelLines(name, { f }, { levels, xlim, ylim }) {
  const place = (u, [low, high]) => low + u * (high - low);
  contours[name] ??= levels.map((level) => {
    const { x, y } = zeroLine((u, v) => Math.log(f([place(u, xlim), place(v, ylim)]) / level + LEAST), [0, 1], GRID);
    return { type: "line", x: x.map((u) => place(u, xlim)), y: y.map((v) => place(v, ylim)), color: "muted", width: 0.8 };
  });
  return contours[name];
}

function runs(surface, start, safe) {
  return [
    steepestDescent(surface, start, TOL, MOST),
    bfgs(surface, start, TOL, MOST),
    (safe ? dampedNewton : plainNewton)(surface, start, TOL, MOST),
  ];
}

function plane(name, surface, found, view) {
  return {
    xlabel: "x", ylabel: "y", xlim: view.xlim, ylim: view.ylim,
    series: [
      ...levelLines(name, surface, view),
      ...found.flatMap(({ path }, i) => {
        const x = path.map((at) => at[0]), y = path.map((at) => at[1]);
        return [
          { type: "line", x, y, color: i + 1, width: 1.6 },
          { type: "points", x: x.slice(1), y: y.slice(1), color: i + 1, r: 3 },
        ];
      }),
    ],
  };
}

function race(found) {
  const end = Math.max(30, ...found.slice(1).map(({ counts }) => counts[counts.length - 1]));
  const top = Math.max(...found.map(({ costs }) => costs[0])) * 3 + LEAST;
  return {
    xlabel: "gradients", ylabel: "cost", xlim: [0, 1.1 * end], ylim: [LEAST, top], yscale: "log",
    series: [
      ...found.map(({ costs, counts }, i) => ({ type: "line", x: counts, y: costs.map((v) => Math.max(v, LEAST / 10)), color: i + 1, width: 2 })),
      ...keys(NAMES, 1.1 * end, top),
    ],
  };
}

// What a run ended at.
function ending({ path, counts, arrived, lost }, { h }) {
  if (lost) return "flies away";
  if (!arrived) return `not there after ${counts[counts.length - 1]} gradients`;
  const [first, second] = eigen(h(path[path.length - 1])).values;
  const what = second > 0 ? "a minimum" : first < 0 ? "a maximum" : "a saddle";
  return `${what} after ${counts[counts.length - 1]} gradients`;
}

function compute({ surface, start: wanted, safe }, { surfaces }) {
  const { name, ...view } = surfaces[surface], shape = SURFACES[name];
  // The start stays in the plane that is shown.
  const start = [view.xlim, view.ylim].map(([low, high], i) => Math.min(high, Math.max(low, wanted[i])));
  const found = runs(shape, start, safe);
  const [first, second] = eigen(shape.h(start)).values;
  return {
    points: { start },
    panels: [plane(name, shape, found, view), race(found)],
    readouts: [
      ...found.map((run, i) => [NAMES[i][0], ending(run, shape)]),
      ["curvatures at the start", `${format(second)} and ${format(first)}`],
    ],
  };
}

export default computedPlot({ compute });
