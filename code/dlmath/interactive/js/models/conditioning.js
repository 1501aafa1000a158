import { computedPlot } from "../computed.js";
import { format } from "../plot.js";

const EPSILON = 2 ** -52;
const METHODS = [["normal", "normal equations", 2], ["qr", "QR", 1], ["svd", "SVD", 3]];

// An error of zero or beyond 100% is drawn at the edge of the axis.
const shownError = (value) => Math.max(1e-17, Math.min(1e2, value));

function pick({ basis, degree }, { bases, degrees }) {
  const i = degrees.indexOf(degree);
  const { condition, singular, normal, qr, svd } = bases[basis];
  return { condition: condition[i], singular: singular[i], normal: normal[i], qr: qr[i], svd: svd[i] };
}

function compute(params, data) {
  const { degrees, bases } = data;
  const table = bases[params.basis];
  const here = pick(params, data);
  const xlim = [degrees[0] - 0.5, degrees[degrees.length - 1] + 0.5], ylim = [1e-17, 1e2];
  const guide = (power) => table.condition.map((c) => shownError(EPSILON * c ** power));
  const series = [
    { type: "line", x: [params.degree, params.degree], y: ylim, color: "line", width: 6 },
    { type: "line", x: degrees, y: guide(2), color: "muted", width: 1.25, dash: "2 4" },
    { type: "line", x: degrees, y: guide(1), color: "muted", width: 1.25, dash: "6 4" },
  ];
  METHODS.forEach(([key, name, color], i) => {
    series.push({ type: "line", x: degrees, y: table[key].map(shownError), color, width: 1.5 });
    series.push({ type: "points", x: degrees, y: table[key].map(shownError), color, r: degrees.map((k) => (k === params.degree ? 5.5 : 3)), hollow: key === "svd" });
    series.push({ type: "text", x: xlim[0], y: ylim[1], dx: 6, dy: 16 + 17 * i, text: name, color });
  });
  series.push({ type: "text", x: xlim[0], y: ylim[1], dx: 6, dy: 16 + 17 * 3, text: "- - ε κ   · · ε κ²", color: "muted" });
  const order = here.singular.map((_, j) => j + 1);
  return {
    panels: [
      { xlabel: "degree", ylabel: "relative error of θ", xlim, ylim, yscale: "log", series },
      {
        xlabel: "index j", ylabel: "singular value dⱼ / d₁", xlim: [0.5, degrees[degrees.length - 1] + 1.5], ylim: data.singularLimits, yscale: "log",
        series: [{ type: "points", x: order, y: here.singular, color: 1, r: 4 }],
      },
    ],
    readouts: [
      ["degree", String(params.degree)],
      ["condition number κ", format(here.condition, 2)],
      ...METHODS.map(([key, name]) => [name, format(here[key], 2)]),
    ],
  };
}

export default computedPlot({ compute });
