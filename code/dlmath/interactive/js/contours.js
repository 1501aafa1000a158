import { mix } from "./canvas.js";
import { html } from "./plot.js";

// Contour lines of a height, and a tint where it is low, behind a panel's lines and axes.

const GRID_PX = 2, TINT = 0.13;
// The lines' share of ink, and the distance in pixels at which they have faded away; at twice of it
// they are whole.
const FAINT = { share: 0.38, closest: 3 };

// Heights at the corners of a grid of squares that are GRID_PX wide.
function sampleHeights(height, { x, y, frame }) {
  const nx = Math.ceil((frame.right - frame.left) / GRID_PX) + 1, ny = Math.ceil((frame.bottom - frame.top) / GRID_PX) + 1;
  const values = new Float64Array(nx * ny);
  for (let j = 0; j < ny; j++) {
    const v = y.invert(frame.top + j * GRID_PX);
    for (let i = 0; i < nx; i++) values[j * nx + i] = height([x.invert(frame.left + i * GRID_PX), v]);
  }
  return { values, nx };
}

// How much of a pixel the line at the nearest whole height covers, from the height and its slope
// a pixel; where lines would touch each other they fade away.
function lineCover(height, slope, ratio, closest) {
  const apart = 1 / slope / ratio;
  const away = Math.abs(height - Math.round(height)) / slope;
  return Math.max(0, Math.min(1, 1 - away)) * Math.max(0, Math.min(1, apart / closest - 1));
}

class ContourLayer {
  constructor(panel, lines = FAINT) {
    this.lines = lines;
    this.canvas = html("canvas", { class: "dlm-contours", "aria-hidden": "true" });
    panel.picture.before(this.canvas);
    this.context = this.canvas.getContext("2d");
  }

  // Paints whole heights as lines; nothing is done where neither the box nor the key is new.
  draw(height, key, scales, colours) {
    const { frame } = scales, ratio = Math.min(2, Math.max(1, Math.round(devicePixelRatio)));
    const all = JSON.stringify([key, frame, ratio, colours]);
    if (all === this.drawn) return;
    this.drawn = all;
    const width = Math.round(frame.right - frame.left), rows = Math.round(frame.bottom - frame.top);
    this.canvas.style.cssText = `left:${frame.left}px;top:${frame.top}px;width:${width}px;height:${rows}px`;
    this.canvas.width = width * ratio;
    this.canvas.height = rows * ratio;
    const image = this.context.createImageData(width * ratio, rows * ratio);
    this.#fill(image, sampleHeights(height, scales), ratio, colours);
    this.context.putImageData(image, 0, 0);
  }

  #fill({ data, width, height }, { values, nx }, ratio, colours) {
    const { share, closest } = this.lines;
    const top = values.reduce((most, value) => Math.max(most, value), 0) || 1, cell = GRID_PX * ratio;
    const tones = Array.from({ length: 64 }, (_, t) => mix(colours.bg, colours.c1, TINT * (1 - t / 63) ** 1.5));
    for (let j = 0, at = 0; j < height; j++) {
      const row = Math.floor(j / cell), v = (j % cell) / cell;
      for (let i = 0; i < width; i++, at += 4) {
        const corner = row * nx + Math.floor(i / cell), u = (i % cell) / cell;
        const a = values[corner], b = values[corner + 1], c = values[corner + nx], d = values[corner + nx + 1];
        const here = a + u * (b - a) + v * (c - a) + u * v * (a - b - c + d);
        const slope = Math.hypot(b - a + v * (a - b - c + d), c - a + u * (a - b - c + d)) / cell;
        const tone = tones[Math.min(63, Math.floor((63 * here) / top))], ink = share * lineCover(here, slope, ratio, closest);
        for (let p = 0; p < 3; p++) data[at + p] = tone[p] + ink * (colours.ink[p] - tone[p]);
        data[at + 3] = 255;
      }
    }
  }
}
