import { computedPlot } from "../computed.js";
import { format } from "../plot.js";
import { decodeLayers, dense } from "./dense.js";

const EDGE = 8;
// The letters of held-out pixels: "a" is level 0.
const level = (letter) => letter.charCodeAt(0) - 97;

let network = null, source = null;
function layersOf(data) {
  if (source !== data.layers) [network, source] = [decodeLayers(data.layers), data.layers];
  return network;
}

// Mean level of each pixel: the sum of P(level >= j), for a discretised logistic variable.
function decode(z, data) {
  const outputs = dense(layersOf(data), z), pixels = outputs.length / 2, half = (data.levels - 1) / 2;
  return Array.from({ length: pixels }, (_, i) => {
    const centre = half + half * outputs[i];
    const scale = half * Math.exp(Math.min(3, Math.max(-7, outputs[pixels + i])) - 2);
    let mean = 0;
    for (let j = 1; j < data.levels; j++) mean += 1 / (1 + Math.exp((j - 0.5 - centre) / scale));
    return mean;
  });
}

function nearest([a, b], { codes }) {
  const distances = codes.map(([u, v]) => (u - a) ** 2 + (v - b) ** 2);
  return distances.indexOf(Math.min(...distances));
}

// Rows from the top; "up" is the height of the picture's lower edge.
function picture(values, levels, up) {
  return values.map((value, i) => {
    const x = i % EDGE, y = up + EDGE - 1 - Math.floor(i / EDGE);
    return { type: "region", x: [x, x + 1, x + 1, x, x], y: [y, y, y + 1, y + 1, y], color: "ink", opacity: Math.max(0, value / (levels - 1)) };
  });
}

const frame = (up) => ({ type: "line", x: [0, EDGE, EDGE, 0, 0], y: [up, up, up + EDGE, up + EDGE, up], color: 6, width: 1 });
const title = (text, up) => ({ type: "text", x: EDGE / 2, y: up + EDGE + 0.4, text, color: "ink", anchor: "middle" });

function compute({ z }, data) {
  const near = nearest(z, data), { codes, labels, levels, reach } = data;
  const real = Array.from(data.images.slice(64 * near, 64 * near + 64), level);
  return {
    panels: [
      {
        xlabel: "latent z₁", ylabel: "latent z₂", xlim: [-reach, reach], ylim: [-reach, reach],
        series: codes.map(([x, y], i) => ({ type: "text", x, y, text: labels[i], color: 1 + (Number(labels[i]) % 6), anchor: "middle", dy: 4 })),
      },
      {
        axes: false, equal: true, xlim: [-0.2, EDGE + 0.2], ylim: [-0.2, 2 * EDGE + 3.6],
        series: [
          ...picture(decode(z, data), levels, EDGE + 2), frame(EDGE + 2), title("decoded here", EDGE + 2),
          ...picture(real, levels, 0), frame(0), title("nearest held-out digit", 0),
        ],
      },
    ],
    readouts: [
      ["z₁", format(z[0])],
      ["z₂", format(z[1])],
      ["nearest held-out digit is a", labels[near]],
    ],
  };
}

// On to the code of another held-out digit, in the order in which they are given.
const next = ({ z }, data) => ({ z: data.codes[(nearest(z, data) + 1) % data.codes.length] });

export default computedPlot({ compute, actions: { next } });
