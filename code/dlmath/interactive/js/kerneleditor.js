import { format, html } from "./plot.js";
import { checkbox, makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { editKernel, sameKernel } from "./models/kernel.js";

const OWN = "your own";
const WHERE = ["above left", "above", "above right", "left", "centre", "right", "below left", "below", "below right"];
const PICTURES = [["input", "input x, shifted"], ["output", "output of the kernel"], ["difference", "output minus shifted output"]];

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const { images, kernels } = model.get("data");
  const names = ["image", "kernel", "shift", "circular"];
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let state = read();

  plots.className = "dlm-kernel";
  const canvases = PICTURES.map(([name, text]) => {
    const canvas = html("canvas", { class: "dlm-spins", role: "img", "aria-label": text });
    plots.append(html("div", {}, canvas, html("p", { class: "dlm-hint" }, text)));
    return [name, canvas];
  });

  function paint(canvas, image, largest) {
    const rows = image.length, columns = image[0].length;
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d"), colours = readColours(root, context);
    image.forEach((row, i) => row.forEach((value, j) => {
      const share = largest > 0 ? Math.min(1, Math.abs(value) / largest) : 0;
      context.fillStyle = css(mix(mix(colours.bg, colours.ink, 0.06), value < 0 ? colours.c2 : colours.c1, share));
      context.fillRect(j, i, 1, 1);
    }));
  }

  const nameOf = (kernel) => Object.keys(kernels).find((name) => sameKernel(kernels[name], kernel)) ?? OWN;
  function numbers(found) {
    return [
      ["error of equivariance", `${format(100 * found.error, 2)} %`],
      ["sum of the kernel", format(found.sum)],
      ["mean of the output", format(found.mean)],
      ["largest output", format(found.largest)],
    ];
  }

  function draw() {
    const image = images[state.image], found = editKernel(state, image);
    const brightest = Math.max(...image.flat().map(Math.abs));
    for (const [name, canvas] of canvases) paint(canvas, found[name], name === "input" ? brightest : found.largest);
    readouts.show(numbers(found));
    return found;
  }

  function show() {
    shown.image.show(state.image);
    shown.preset.show(nameOf(state.kernel));
    shown.circular.show(state.circular);
    shown.down.show(state.shift[0]);
    shown.right.show(state.shift[1]);
    cells.forEach((cell, i) => { if (Number(cell.value) !== state.kernel[i]) cell.value = Math.round(1e3 * state.kernel[i]) / 1e3; });
  }

  function change(next) {
    state = { ...state, ...next };
    const found = draw();
    show();
    announcer.say(`${nameOf(state.kernel)}: ${numbers(found).map((pair) => pair.join(" ")).join("; ")}`);
    for (const name of names) model.set(name, state[name]);
    model.save_changes();
  }

  const options = (list) => list.map((name) => [name, name]);
  const size = images[state.image].length;
  const pixels = { min: 0, max: size - 1, step: 1, integer: true, describe: (value) => `${value} px` };
  const shown = {
    image: select("Image", options(Object.keys(images)), state.image, (image) => change({ image })),
    preset: select("Kernel", options([...Object.keys(kernels), OWN]), nameOf(state.kernel), (name) => change({ kernel: kernels[name] ?? state.kernel })),
    circular: checkbox("torus (else zeros beyond the edge)", state.circular, (circular) => change({ circular })),
    down: slider("shift down", pixels, state.shift[0], (down) => change({ shift: [down, state.shift[1]] })),
    right: slider("shift right", pixels, state.shift[1], (right) => change({ shift: [state.shift[0], right] })),
  };
  const grid = html("div", { class: "dlm-weights", role: "group", "aria-label": "the nine numbers of the kernel" });
  const cells = WHERE.map((where, i) => {
    const cell = html("input", { type: "number", step: "any", "aria-label": `kernel, ${where}`, value: Math.round(1e3 * state.kernel[i]) / 1e3 });
    cell.addEventListener("input", () => {
      const value = Number(cell.value);
      if (cell.value !== "" && Number.isFinite(value)) change({ kernel: state.kernel.map((old, k) => (k === i ? value : old)) });
    });
    grid.append(cell);
    return cell;
  });
  const choices = html("div", { class: "dlm-choices" }, shown.image.row, shown.preset.row, shown.circular.row);
  controls.append(choices, grid, shown.down.row, shown.right.row);

  const outside = () => {
    const next = read();
    if (names.every((name) => JSON.stringify(next[name]) === JSON.stringify(state[name]))) return;
    state = next;
    draw();
    show();
  };
  const watched = names.map((name) => `change:${name}`);
  for (const name of watched) model.on(name, outside);
  draw();
  const stop = watchTheme(draw);
  return () => {
    stop();
    announcer.stop();
    for (const name of watched) model.off(name, outside);
    root.remove();
  };
}

export default { render };
