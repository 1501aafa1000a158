import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

// A smaller cost is better: the value, its negative, or the distance from where the best value lies.
const cost = (best, value) => (best === "low" ? value : best === "high" ? -value : Math.abs(value - best));
const named = (row) => (row.budget ? `${row.name} (${row.budget})` : row.name);

// Ranks from 1; equal values share the mean of theirs.
function ranks(values) {
  return values.map((v) => {
    const below = values.filter((w) => w < v).length, equal = values.filter((w) => w === v).length;
    return below + (equal + 1) / 2;
  });
}

// Spearman's coefficient: the correlation of the ranks.
function spearman(a, b) {
  const [ra, rb] = [a, b].map(ranks), middle = (a.length + 1) / 2;
  const product = (u, v) => u.reduce((total, value, i) => total + (value - middle) * (v[i] - middle), 0);
  return product(ra, rb) / Math.sqrt(product(ra, ra) * product(rb, rb));
}

// Nobody else is at least as good in both and better in one.
function notDominated(costs) {
  const beats = (a, b) => a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1]);
  return costs.map((own, i) => i).filter((i) => !costs.some((other) => beats(other, costs[i])));
}

function chosen(params, data) {
  const measures = [params.x, params.y].map((label) => data.measures.find((m) => m.label === label));
  const rows = data.rows.filter((row) => measures.every((m) => m.key in row.values) && (params.without || !row.without));
  const points = rows.map((row) => measures.map((m) => row.values[m.key]));
  const costs = points.map((point) => point.map((v, j) => cost(measures[j].best, v)));
  const front = notDominated(costs).sort((i, j) => costs[i][0] - costs[j][0] || costs[i][1] - costs[j][1]);
  return { measures, rows, points, costs, front, rho: rows.length > 2 ? spearman(...[0, 1].map((j) => costs.map((c) => c[j]))) : NaN };
}

// The axis of all models that have the measure, and of the floor, so that it does not jump.
function limits(measure, data) {
  const values = data.rows.filter((row) => measure.key in row.values).map((row) => row.values[measure.key]);
  if (measure.floor) values.push(measure.floor[0] - 2 * measure.floor[1], measure.floor[0] + 2 * measure.floor[1]);
  const low = Math.min(...values), high = Math.max(...values);
  if (measure.log) { const more = Math.max(high / low, 2) ** 0.08; return [low / more, high * more]; }
  const more = 0.08 * (high - low || 1);
  return [low - more, high + more];
}

// Names beside the dots, the important ones first, as far as there is room.
function labels(rows, points, first, scales) {
  const taken = [], order = [...first, ...rows.map((_, i) => i).filter((i) => !first.includes(i))];
  const at = (value, { log, ends }) => (log ? Math.log(value / ends[0]) / Math.log(ends[1] / ends[0]) : (value - ends[0]) / (ends[1] - ends[0]));
  const series = [];
  for (const i of order) {
    const x = 560 * at(points[i][0], scales[0]), y = 330 * at(points[i][1], scales[1]), width = 6.4 * named(rows[i]).length + 10;
    const left = x + width > 560, box = [left ? x - width : x, y - 8, left ? x : x + width, y + 8];
    if (taken.some((b) => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3])) continue;
    taken.push(box);
    series.push({ type: "text", x: points[i][0], y: points[i][1], text: named(rows[i]), color: rows[i].color, anchor: left ? "end" : "start", dx: left ? -8 : 8, dy: 4 });
  }
  return series;
}

function compute(params, data) {
  const { measures: [x, y], rows, points, front, rho } = chosen(params, data);
  const [xlim, ylim] = [x, y].map((m) => limits(m, data));
  const scales = [{ log: x.log, ends: xlim }, { log: y.log, ends: ylim }];
  const band = [];
  if (x.floor) { const ends = [x.floor[0] - 2 * x.floor[1], x.floor[0] + 2 * x.floor[1]]; band.push({ type: "band", x: ends, low: [ylim[0], ylim[0]], high: [ylim[1], ylim[1]], color: 3 }); }
  if (y.floor) { const low = y.floor[0] - 2 * y.floor[1], high = y.floor[0] + 2 * y.floor[1]; band.push({ type: "band", x: xlim, low: [low, low], high: [high, high], color: 3 }); }
  const dots = (some, more) => some.map((i) => ({ type: "points", x: [points[i][0]], y: [points[i][1]], color: rows[i].color, r: 5, hollow: rows[i].without, ...more }));
  const found = rows.findIndex((row) => named(row) === params.model);
  const first = [...(found < 0 ? [] : [found]), ...front];
  const readouts = [
    ["models with both", String(rows.length)],
    ["rank correlation", format(rho, 2)],
    ["beaten by nobody", front.map((i) => named(rows[i])).join(", ") || "–"],
  ];
  if (found >= 0) readouts.push([params.model, `${x.label} ${format(points[found][0])}, ${y.label} ${format(points[found][1])}`]);
  return {
    panels: [{
      xlabel: x.label, ylabel: y.label, xlim, ylim, xscale: x.log ? "log" : "linear", yscale: y.log ? "log" : "linear",
      series: [
        ...band,
        { type: "line", x: front.map((i) => points[i][0]), y: front.map((i) => points[i][1]), color: "muted", width: 1.5, dash: "4 4" },
        ...dots(rows.map((_, i) => i)),
        ...(found < 0 ? [] : dots([found], { r: 8 })),
        ...labels(rows, points, [...new Set(first)], scales),
      ],
    }],
    readouts,
  };
}

export default computedPlot({ compute });
