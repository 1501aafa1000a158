import { computedPlot } from "../computed.js";
import { keys } from "../keys.js";
import { format } from "../plot.js";
import { gaussianProcess, predictions, samplePaths } from "./gp.js";
import { normalStream, normalVector } from "./lehmer.js";
import { spaced } from "./rotated.js";

const PLACES = 101, PATHS = 4, BAND = 1.959963984540054;

function compute(params, { x, y, xlim, ylim, xlabel, ylabel, noise }) {
  const used = Math.round(params.used), known = x.slice(0, used), values = y.slice(0, used);
  const process = { ...params, amplitude: 1, noise };
  const at = spaced(...xlim, PLACES);
  const stream = normalStream(1000 * params.draw);
  const normals = Array.from({ length: PATHS }, () => [...normalVector(stream, PLACES + 2 * x.length)]);
  const paths = samplePaths(at, known, values, process, normals);
  const band = used ? predictions(at, known, process, gaussianProcess(known, values, process)) : at.map(() => ({ mean: 0, sd: 1 }));
  const width = band.reduce((sum, { sd }) => sum + sd, 0) / band.length;
  return {
    panels: [{
      xlabel, ylabel, xlim, ylim,
      series: [
        { type: "band", x: at, low: band.map(({ mean, sd }) => mean - BAND * sd), high: band.map(({ mean, sd }) => mean + BAND * sd), color: 6 },
        ...paths.map((path, i) => ({ type: "line", x: at, y: path, color: i + 1, width: 1.75 })),
        { type: "points", x: known, y: values, color: "ink", r: 4.5 },
        ...keys([["four functions", 1], ["95%", 6]], xlim[1], ylim[1]),
      ],
    }],
    readouts: [
      ["distribution", used ? `given ${used} point${used > 1 ? "s" : ""}` : "prior"],
      ["mean width of the 95% band", format(2 * BAND * width)],
    ],
  };
}

export default computedPlot({ compute });
