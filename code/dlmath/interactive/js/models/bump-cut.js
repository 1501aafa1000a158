import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { total } from "./rotated.js";

const simple = (s, b) => s / Math.sqrt(b);
const asimov = (s, b) => Math.sqrt(2 * ((s + b) * Math.log1p(s / b) - s));

// Shares of events above each edge, from the shares in the bins; the last bin is open.
function above(shares) {
  const tail = [0];
  for (const share of [...shares].reverse()) tail.unshift(tail[0] + share);
  return tail;
}

function interpolate(x, xs, ys) {
  const i = Math.min(Math.max(xs.findIndex((edge) => edge > x) - 1, 0), xs.length - 2);
  const t = Math.min(Math.max((x - xs[i]) / (xs[i + 1] - xs[i]), 0), 1);
  return ys[i] + t * (ys[i + 1] - ys[i]);
}

function state({ cut, signal, background }, data) {
  const tails = [above(data.signal), above(data.background)];
  const [keptS, keptB] = tails.map((tail) => interpolate(cut, data.edges, tail));
  const s = signal * keptS, b = background * keptB;
  const cuts = data.edges.slice(0, -1);
  const curve = (z) => cuts.map((_, i) => z(signal * tails[0][i], background * tails[1][i]));
  return { tails, keptS, keptB, s, b, cuts, simple: simple(s, b), asimov: asimov(s, b), simples: curve(simple), asimovs: curve(asimov) };
}

// The best of the cuts at the edges of the bins.
function best(params, data) {
  const { cuts, asimovs } = state(params, data);
  return { cut: cuts[asimovs.indexOf(Math.max(...asimovs))] };
}

const steps = (edges, values) => ({ x: edges.slice(0, -1).flatMap((edge, i) => [edge, edges[i + 1]]), y: values.flatMap((v) => [v, v]) });

function scorePanel({ cut, signal, background }, { edges, ...data }) {
  const floor = 1e-2;
  const events = [data.background.map((share) => share * background), data.signal.map((share) => share * signal)]
    .map((values) => values.map((v) => Math.max(v, floor)));
  const ylim = [floor, 3 * Math.max(...events[0], ...events[1])];
  const names = [["— signal", 1], ["— background", 2]];
  return {
    xlabel: "score: log of the likelihood ratio, fitted", ylabel: "expected events per bin", yscale: "log", xlim: [edges[0], edges[edges.length - 1]], ylim,
    series: [
      { type: "band", x: [cut, edges[edges.length - 1]], low: [ylim[0], ylim[0]], high: [ylim[1], ylim[1]], color: 3, opacity: 0.16 },
      { type: "line", ...steps(edges, events[0]), color: 2, width: 2 },
      { type: "line", ...steps(edges, events[1]), color: 1, width: 2 },
      { type: "line", x: [cut, cut], y: ylim, color: 3, width: 2.5 },
      ...keys(names, edges[edges.length - 1], ylim[1]),
    ],
  };
}

function rocPanel({ tails, keptS, keptB }, data) {
  return {
    xlabel: "share of background kept", ylabel: "share of signal kept", xlim: [0, 1], ylim: [0, 1.02],
    series: [
      { type: "line", x: [0, 1], y: [0, 1], color: "muted", width: 1.25, dash: "3 5" },
      { type: "line", x: tails[1], y: tails[0], color: 1, width: 2.25 },
      { type: "points", x: [keptB], y: [keptS], color: 3, r: 6 },
      { type: "text", x: 1, y: 0, dx: -6, dy: -12, anchor: "end", text: `area ${format(area(data))}`, color: 1 },
    ],
  };
}

// Area under the curve of the binned scores, by trapezia: within a bin a tie counts one half.
function area(data) {
  const [s, b] = [above(data.signal), above(data.background)];
  return total(s.slice(1).map((_, i) => ((s[i] + s[i + 1]) / 2) * (b[i] - b[i + 1])));
}

function significancePanel({ cut }, found, { edges }) {
  const top = 1.25 * Math.max(...found.asimovs, ...found.simples);
  const names = [["— Asimov", 4], ["- - s/√b", 5]];
  return {
    xlabel: "cut on the score", ylabel: "expected significance Z", xlim: [edges[0], edges[edges.length - 1]], ylim: [0, top],
    series: [
      { type: "line", x: found.cuts, y: found.simples, color: 5, width: 1.75, dash: "6 4" },
      { type: "line", x: found.cuts, y: found.asimovs, color: 4, width: 2.25 },
      { type: "line", x: [cut, cut], y: [0, top], color: 3, width: 2.5 },
      ...keys(names, edges[edges.length - 1], top),
    ],
  };
}

function compute(params, data) {
  const found = state(params, data);
  return {
    panels: [scorePanel(params, data), rocPanel(found, data), significancePanel(params, found, data)],
    readouts: [
      ["signal kept s", `${format(found.s)} (${format(100 * found.keptS, 2)}%)`],
      ["background kept b", `${format(found.b)} (${format(100 * found.keptB, 2)}%)`],
      ["s/√b", format(found.simple)],
      ["Asimov significance", format(found.asimov)],
    ],
  };
}

export default computedPlot({ compute, actions: { best } });
