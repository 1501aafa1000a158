import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { combine, reduceColumns, solveReduced } from "../columns.js";
import { dropRow, polynomialColumns, polynomialPenalties, toColumns } from "./mass-terms.js";
import { rootMeanSquare, unpackBits, unpackNuclides } from "./nuclides.js";

// What no control changes: the columns up to the highest degree, reduced once, and the drop.
const prepared = new WeakMap();
function prepare(data) {
  if (prepared.has(data)) return prepared.get(data);
  const all = unpackNuclides(data), isHeld = unpackBits(data.held, all.Z.length);
  const rows = (flag) => isHeld.map((_, i) => i).filter((i) => isHeld[i] === flag);
  const inside = rows(0), edge = rows(1);
  const pick = (values) => inside.map((i) => values[i]);
  const train = { Z: pick(all.Z), N: pick(all.N), energy: pick(all.energy) };
  const columns = polynomialColumns(data.maxDegree, train);
  const drop = solveReduced(reduceColumns(toColumns(train, dropRow), train.energy), new Array(5).fill(0));
  const made = { all, isHeld, inside, edge, columns, drop, X: columns(all), reduced: reduceColumns(columns(train), train.energy) };
  prepared.set(data, made);
  return made;
}

// The terms of the drop besides pairing, which vary smoothly.
function smoothDrop({ Z, N }, drop) {
  return Z.map((z, i) => dropRow(z, N[i]).slice(0, 4).reduce((sum, term, j) => sum + term * drop[j], 0));
}

function fitPolynomial({ all, inside, edge, X, reduced }, degree, lam) {
  const penalties = polynomialPenalties(degree, inside.length * lam);
  const theta = solveReduced(reduced, penalties);
  const predicted = combine(X.slice(0, theta.length), theta);
  const rms = (rows) => rootMeanSquare(rows.map((i) => all.energy[i] - predicted[i]));
  return { theta, predicted, rmsInside: rms(inside), rmsEdge: rms(edge) };
}

function chainPanel(made, fit, element, degree) {
  const { all, isHeld, drop, columns } = made;
  const chain = all.Z.map((_, i) => i).filter((i) => all.symbol(all.Z[i]) === element);
  const N = chain.map((i) => all.N[i]), z = all.Z[chain[0]];
  const low = N[0] - 3, high = N[N.length - 1] + 3, fine = 4 * (high - low);
  const grid = { N: Array.from({ length: fine + 1 }, (_, k) => low + k / 4) };
  grid.Z = grid.N.map(() => z);
  const curve = combine(columns(grid).slice(0, fit.theta.length), fit.theta);
  const base = smoothDrop(grid, drop);
  const under = smoothDrop({ Z: N.map(() => z), N }, drop);
  const values = chain.map((i, k) => all.energy[i] - under[k]);
  const shown = [0, ...values, ...chain.map((i, k) => fit.predicted[i] - under[k])];
  const least = Math.min(...shown), most = Math.max(...shown), room = most - least;
  const xlim = [low, high], ylim = [least - 0.15 * room, most + 0.1 * room];
  const points = (flag) => {
    const some = chain.map((_, k) => k).filter((k) => isHeld[chain[k]] === flag);
    return { type: "points", x: some.map((k) => N[k]), y: some.map((k) => values[k]), color: flag ? 2 : "ink", r: flag ? 4.5 : 3, hollow: flag === 1 };
  };
  const miss = Math.max(...chain.map((i) => Math.abs(all.energy[i] - fit.predicted[i])));
  return {
    miss,
    panel: {
      xlabel: `neutrons N in ${element}`, ylabel: "energy − smooth drop (MeV)", xlim, ylim,
      series: [
        { type: "line", x: xlim, y: [0, 0], color: "muted", width: 1, dash: "2 4" },
        { type: "line", x: grid.N, y: grid.N.map((_, k) => curve[k] - base[k]), color: 1, width: 2.25 },
        points(0), points(1),
        { type: "text", x: low, y: ylim[0], dx: 6, dy: -8, text: `— polynomial of degree ${degree}`, color: 1 },
        { type: "text", x: high, y: ylim[1], dy: -11, anchor: "end", text: "○ held out", color: 2 },
      ],
    },
  };
}

// Dots as one path: strokes of no length have round ends.
function dots(x, y, color, width) {
  return { type: "line", x: x.flatMap((value) => [value, value, value]), y: y.flatMap((value) => [value, value, NaN]), color, width };
}

function overviewPanel({ all, inside, edge }, { predicted }, element) {
  const residual = all.energy.map((value, i) => value - predicted[i]);
  const pick = (rows, color, width) => dots(rows.map((i) => all.Z[i]), rows.map((i) => residual[i]), color, width);
  const largest = Math.max(...residual.map(Math.abs));
  const reach = [1, 2, 5].flatMap((m) => [1, 10, 100, 1000].map((power) => m * power)).sort((a, b) => a - b).find((value) => value > largest) ?? largest;
  const z = all.Z.find((value) => all.symbol(value) === element);
  const xlim = [all.Z[0] - 2, all.Z[all.Z.length - 1] + 2], ylim = [-reach, reach];
  return {
    xlabel: "protons Z", ylabel: "energy − polynomial (MeV)", xlim, ylim,
    series: [
      { type: "line", x: [z, z], y: ylim, color: "line", width: 6 },
      pick(inside, "muted", 2), pick(edge, 2, 3.5),
      { type: "text", x: z, y: -reach, dx: z > 60 ? -7 : 7, dy: -8, anchor: z > 60 ? "end" : "start", text: element, color: "ink" },
    ],
  };
}

function compute({ degree, lam, element }, data) {
  const made = prepare(data), fit = fitPolynomial(made, degree, lam);
  const { panel, miss } = chainPanel(made, fit, element, degree);
  return {
    panels: [panel, overviewPanel(made, fit, element)],
    readouts: [
      ["coefficients", String(fit.theta.length)],
      ["RMS inside (MeV)", format(fit.rmsInside)],
      ["RMS at the edges (MeV)", format(fit.rmsEdge)],
      [`worst in ${element} (MeV)`, format(miss)],
    ],
  };
}

export default computedPlot({ compute });
