import { Panel, format, html, onResize } from "./plot.js";
import { makeFrame, select, slider } from "./controls.js";
import { css, mix, readColours, watchTheme } from "./canvas.js";
import { fitMasses, unpackNuclides, unpackSplit } from "./models/nuclides.js";
import { massModels } from "./models/mass-terms.js";

const MAGIC = [8, 20, 28, 50, 82, 126];
const COLOURS = [["residual", "experiment − model"], ["sets", "training and held out"]];
const SECTIONS = [["isotopes", "isotopes"], ["isotones", "isotones"]];
const HINT = "Point at a nuclide and click to keep it, or walk along the chains with the arrow keys.";
const KEYS = "Chart of nuclides. The left and right arrow keys go along the isotopes, up and down along the isotones, Home and End to the ends of the isotopes, Page Up and Page Down to those of the isotones.";
const LABEL_PX = 12;
const NEUTRAL = 0.11, FULL = 0.62, DEEP = 0.62;

const signed = (value, digits) => (value > 0 ? "+" : "") + format(value, digits);
const fixed = (value, plus = "") => (value > 0 ? plus : "") + value.toFixed(3).replace("-", "−");

// A number in MeV known to the keV.
function measured(energy, error) {
  return `${fixed(energy)} ${error >= 0.001 ? `± ${error.toFixed(3)}` : "(error below 0.001)"}`;
}

// Blue below zero, orange above, the ground's own grey at zero; towards the ink at both ends.
function diverging({ bg, ink, c1, c2 }) {
  const neutral = mix(bg, ink, NEUTRAL);
  return (share) => {
    const t = Math.min(1, Math.abs(share)), hue = share < 0 ? c1 : c2;
    return css(t < FULL ? mix(neutral, hue, t / FULL) : mix(hue, ink, (DEEP * (t - FULL)) / (1 - FULL)));
  };
}

// Where the cells are, in device pixels: whole ones where that wastes little of the width.
function layOut(width, ratio, { Z, N }) {
  const [low, high] = [Math.min(...N), Math.max(...N)], [bottom, top] = [Math.min(...Z), Math.max(...Z)];
  const left = 20 * ratio, room = width * ratio - left - 6 * ratio;
  let pitch = room / (high - low + 1);
  if (pitch % 1 < 0.1 * pitch) pitch = Math.floor(pitch);
  const begin = Math.round(left + (room - pitch * (high - low + 1)) / 2);
  const x = (n) => begin + Math.round((n - low) * pitch);
  const y = (z) => Math.round(6 * ratio) + Math.round((top - z) * pitch);
  return {
    ratio, pitch, x, y, low, high, bottom, top,
    gap: pitch >= 6 ? 1 : 0,
    height: Math.ceil((y(bottom - 1) + 22 * ratio) / ratio),
    nucleon: (px, py) => [low + (px * ratio - begin) / pitch - 0.5, top - (py * ratio - y(top)) / pitch + 0.5],
  };
}

function render({ model, el }) {
  const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
  const data = model.get("data");
  const nuclides = unpackNuclides(data);
  const { Z, N } = nuclides;
  const models = massModels(data.polynomial);
  const splits = Object.fromEntries(data.splits.map((split) => [split.label, unpackSplit(split, nuclides)]));
  const place = new Map(Z.map((z, i) => [1000 * z + N[i], i]));
  const names = ["model", "training", "colour", "span", "section", "nuclide"];
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let state = read(), hovered = null, area = null, section = null;

  const canvas = html("canvas", { class: "dlm-canvas", role: "application", tabindex: 0, "aria-label": KEYS });
  const card = html("div", { class: "dlm-nuclide" });
  const box = html("div", { class: "dlm-chart" }, canvas, html("p", { class: "dlm-hint" }, HINT), card);
  plots.before(box);
  const context = canvas.getContext("2d");
  const panel = new Panel(plots);

  const chosen = () => place.get(1000 * state.nuclide[0] + state.nuclide[1]);
  const name = (i) => `${nuclides.symbol(Z[i])}-${Z[i] + N[i]}, Z ${Z[i]}, N ${N[i]}`;
  const fits = new Map();
  function fitted() {
    const key = `${state.model}|${state.training}`;
    if (!fits.has(key)) fits.set(key, fitMasses(nuclides, splits[state.training], models[state.model]));
    return fits.get(key);
  }

  function drawChart() {
    const width = box.clientWidth;
    if (width < 40) return;
    area = layOut(width, Math.max(1, devicePixelRatio || 1), nuclides);
    const { ratio, x, y, gap, height } = area;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const colours = readColours(root, context);
    const scale = diverging(colours);
    const { isHeld } = splits[state.training], { residual } = fitted();
    const sets = [css(mix(colours.bg, colours.muted, 0.5)), css(colours.c4)];
    Z.forEach((z, i) => {
      context.fillStyle = state.colour === "sets" ? sets[isHeld[i]] : scale(residual[i] / state.span);
      context.fillRect(x(N[i]), y(z), x(N[i] + 1) - x(N[i]) - gap, y(z - 1) - y(z) - gap);
    });
    drawStable(colours);
    context.font = `${LABEL_PX * ratio}px ${getComputedStyle(root).fontFamily}`;
    drawMagic(colours);
    drawLegend(colours, scale, sets);
    drawCursor(colours, chosen(), 2);
    if (hovered !== null) drawCursor(colours, hovered, 1);
  }

  function drawStable({ bg, ink }) {
    const { pitch, x, y, gap } = area, size = Math.max(1, Math.round(0.3 * pitch));
    const { residual } = fitted();
    nuclides.stable.forEach((i) => {
      const deep = state.colour === "sets" ? true : Math.abs(residual[i]) > 0.4 * state.span;
      const wide = x(N[i] + 1) - x(N[i]) - gap, high = y(Z[i] - 1) - y(Z[i]) - gap;
      context.fillStyle = css(deep ? bg : ink);
      context.fillRect(x(N[i]) + Math.floor((wide - size) / 2), y(Z[i]) + Math.floor((high - size) / 2), size, size);
    });
  }

  function write(label, px, py, align, baseline) {
    context.textAlign = align;
    context.textBaseline = baseline;
    context.fillText(label, px, py);
  }

  // Two hairlines along each closed shell, a little longer than the chain, and its number.
  function drawMagic(colours) {
    const { ratio, x, y, low, bottom } = area;
    context.fillStyle = css(colours.muted);
    const line = Math.max(1, Math.round(ratio / 2)), floor = y(bottom - 1) + 4 * ratio;
    for (const magic of MAGIC) {
      const chain = (of, along) => along.filter((_, i) => of[i] === magic);
      const n = chain(Z, N), z = chain(N, Z);
      if (n.length) {
        const edges = magic > bottom ? [y(magic), y(magic - 1)] : [];
        const from = x(Math.min(...n) - (edges.length ? 3 : 0)), to = x(Math.max(...n) + 4);
        for (const at of edges) context.fillRect(from, at - line, to - from, line);
        write(magic > 28 ? `Z = ${magic}` : magic, from - 4 * ratio, (y(magic) + y(magic - 1)) / 2, "right", "middle");
      }
      if (z.length) {
        const edges = magic > low ? [x(magic), x(magic + 1)] : [];
        const from = y(Math.max(...z) + 3), to = Math.min(y(Math.min(...z) - 4), floor);
        for (const at of edges) context.fillRect(at - line, from, line, to - from);
        write(magic > 28 ? `N = ${magic}` : magic, (x(magic) + x(magic + 1)) / 2, to + 3 * ratio, "center", "top");
      }
    }
    write("neutrons N →", x(low + 28), floor + 3 * ratio, "left", "top");
    context.save();
    context.translate(x(low) - 4 * ratio, y(bottom + 32));
    context.rotate(-Math.PI / 2);
    write("protons Z →", 0, 0, "left", "bottom");
    context.restore();
  }

  function drawLegend(colours, scale, sets) {
    const { ratio, x, y } = area;
    const right = x(area.high + 1), base = y(area.bottom) - 4 * ratio;
    context.fillStyle = css(colours.muted);
    write("dots: stable", right, base - 48 * ratio, "right", "bottom");
    if (state.colour === "sets") {
      [["training", sets[0]], ["held out", sets[1]]].forEach(([label, fill], i) => {
        const at = base - (1 - i) * 20 * ratio;
        context.fillStyle = css(colours.ink);
        write(label, right - 18 * ratio, at, "right", "bottom");
        context.fillStyle = fill;
        context.fillRect(right - 12 * ratio, at - 12 * ratio, 12 * ratio, 12 * ratio);
      });
      return;
    }
    const length = Math.min(190 * ratio, 0.36 * (right - x(area.low))), left = right - length, thick = 10 * ratio;
    for (let px = 0; px < length; px++) {
      context.fillStyle = scale((2 * px) / length - 1);
      context.fillRect(Math.round(left) + px, base - thick - 16 * ratio, 1, thick);
    }
    context.fillStyle = css(colours.ink);
    write(signed(-state.span, 2), left, base, "left", "bottom");
    write("0", (left + right) / 2, base, "center", "bottom");
    write(signed(state.span, 2), right, base, "right", "bottom");
    write(length > 150 * ratio ? "experiment − model (MeV)" : "exp. − model (MeV)", right, base - thick - 20 * ratio, "right", "bottom");
  }

  function drawCursor(colours, i, weight) {
    const { ratio, x, y, gap } = area;
    const grow = Math.round(2 * ratio);
    const [left, top] = [x(N[i]) - grow, y(Z[i]) - grow];
    const [width, height] = [x(N[i] + 1) - gap + grow - left, y(Z[i] - 1) - gap + grow - top];
    context.lineWidth = (weight + 2) * ratio;
    context.strokeStyle = css(colours.bg);
    context.strokeRect(left, top, width, height);
    context.lineWidth = weight * ratio;
    context.strokeStyle = css(colours.ink);
    context.strokeRect(left, top, width, height);
  }

  function facts(i) {
    const { predicted, residual } = fitted(), split = splits[state.training];
    return [
      ["measured (MeV)", measured(nuclides.energy[i], nuclides.error[i])],
      ["model (MeV)", fixed(predicted[i])],
      ["experiment − model (MeV)", fixed(residual[i], "+")],
      ["in this fit", split.isHeld[i] ? "held out" : "used for training"],
    ];
  }

  function showCard(i) {
    const title = html("p", { class: "dlm-nuclide-name" }, html("sup", {}, String(Z[i] + N[i])), nuclides.symbol(Z[i]), html("small", {}, ` Z = ${Z[i]}, N = ${N[i]}`));
    const list = html("dl", {}, ...facts(i).map(([term, text]) => html("div", {}, html("dt", {}, term), html("dd", {}, text))));
    card.replaceChildren(title, list);
  }

  function drawSection() {
    const i = chosen(), isotopes = state.section === "isotopes";
    const [of, along, letter] = isotopes ? [Z, N, "N"] : [N, Z, "Z"];
    const { residual } = fitted(), { isHeld, held } = splits[state.training];
    const chain = Z.map((_, j) => j).filter((j) => of[j] === of[i]).sort((a, b) => along[a] - along[b]);
    const at = chain.map((j) => along[j]), values = chain.map((j) => residual[j]);
    const low = Math.min(0, ...values), high = Math.max(0, ...values), margin = 0.12 * (high - low || 1);
    const xlim = [at[0] - 1.5, at[at.length - 1] + 1.5], ylim = [low - margin, high + margin];
    const series = [{ type: "line", x: xlim, y: [0, 0], color: "muted", width: 1.25 }];
    for (const magic of MAGIC.filter((m) => m > xlim[0] && m < xlim[1])) {
      series.push({ type: "line", x: [magic, magic], y: ylim, color: "muted", width: 1, dash: "2 4" });
      series.push({ type: "text", x: magic, y: ylim[1], dx: 5, dy: 13, text: `${letter} = ${magic}`, color: "muted" });
    }
    series.push({ type: "line", x: at, y: values, color: "muted", width: 1 });
    for (const [flag, color, r] of [[0, "ink", 3], [1, 4, 3.75]]) {
      const some = chain.filter((j) => isHeld[j] === flag);
      series.push({ type: "points", x: some.map((j) => along[j]), y: some.map((j) => residual[j]), color, r });
    }
    series.push({ type: "points", x: [along[i]], y: [residual[i]], r: 4.5, color: "accent" });
    if (held.length) series.push({ type: "text", x: xlim[1], y: ylim[1], dy: -11, anchor: "end", text: "● held out", color: 4 });
    const title = isotopes ? `isotopes of ${nuclides.symbol(Z[i])}` : `isotones of N = ${N[i]}`;
    const scales = panel.draw({ xlim, ylim, xlabel: isotopes ? "neutrons N" : "protons Z", ylabel: `experiment − model (MeV), ${title}`, series });
    if (scales) section = { scale: scales.x, chain, along };
  }

  function numbers() {
    const fit = fitted(), split = splits[state.training];
    return [
      ["parameters", String(fit.theta.length)],
      ["training nuclides", String(split.train.Z.length)],
      ["RMS in training (MeV)", format(fit.rmsTrain)],
      ["held-out nuclides", split.held.length ? String(split.held.length) : "none"],
      ["RMS held out (MeV)", format(fit.rmsHeld)],
    ];
  }

  function draw() {
    drawChart();
    drawSection();
    showCard(hovered ?? chosen());
    readouts.show(numbers());
    span.input.disabled = state.colour === "sets";
  }

  // Each name that is set is heard at once, when the others are still those of before.
  let saving = false;
  function save() {
    saving = true;
    for (const key of names) model.set(key, state[key]);
    saving = false;
    model.save_changes();
  }

  function change(next) {
    state = { ...state, ...next };
    draw();
    announcer.say("nuclide" in next ? [name(chosen()), ...facts(chosen()).map((pair) => pair.join(" "))].join("; ") : numbers().map((pair) => pair.join(" ")).join("; "));
    save();
  }

  const choose = (key) => (value) => change({ [key]: value });
  const pairs = (keys) => keys.map((key) => [key, key]);
  const shown = {
    model: select("Model", pairs(Object.keys(models)), state.model, choose("model")),
    training: select("Training set", pairs(Object.keys(splits)), state.training, choose("training")),
    colour: select("Colour", COLOURS, state.colour, choose("colour")),
    section: select("Chain", SECTIONS, state.section, choose("section")),
    span: slider("Colour range", { min: 0.3, max: 30, log: true, describe: (value) => `± ${format(value, 2)} MeV` }, state.span, choose("span")),
  };
  const { span } = shown;
  controls.append(...Object.values(shown).map(({ row }) => row));

  // The nuclide nearest to a place, in cells; null where none is near.
  function nearest([n, z], reach) {
    let best = null, least = reach * reach;
    Z.forEach((zi, i) => {
      const away = (zi - z) ** 2 + (N[i] - n) ** 2;
      if (away < least) { least = away; best = i; }
    });
    return best;
  }

  function under(event) {
    if (area === null) return null;
    const corner = canvas.getBoundingClientRect();
    return nearest(area.nucleon(event.clientX - corner.left, event.clientY - corner.top), (12 * area.ratio) / area.pitch);
  }

  let waiting = 0;
  function hover(i) {
    if (i === hovered) return;
    hovered = i;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { drawChart(); showCard(hovered ?? chosen()); });
  }

  const take = (i) => { if (i !== null && i !== chosen()) change({ nuclide: [Z[i], N[i]] }); };
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && event.buttons === 0) hover(under(event));
    else take(under(event));
  });
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("pointerdown", (event) => take(under(event)));
  panel.box.addEventListener("pointerdown", (event) => {
    const { scale, chain, along } = section, px = event.clientX - panel.box.getBoundingClientRect().left;
    const away = (i) => Math.abs(scale(along[i]) - px);
    take(chain.reduce((best, i) => (away(i) < away(best) ? i : best)));
  });

  // The next nuclide of a chain in a direction; the chain's end where there is none.
  function step(of, along, sign, toEnd) {
    const i = chosen();
    const chain = Z.map((_, j) => j).filter((j) => of[j] === of[i] && sign * (along[j] - along[i]) > 0);
    chain.sort((a, b) => sign * (along[a] - along[b]));
    return (toEnd ? chain[chain.length - 1] : chain[0]) ?? i;
  }

  const keys = {
    ArrowLeft: [Z, N, -1], ArrowRight: [Z, N, 1], ArrowDown: [N, Z, -1], ArrowUp: [N, Z, 1],
    Home: [Z, N, -1, true], End: [Z, N, 1, true], PageDown: [N, Z, -1, true], PageUp: [N, Z, 1, true],
  };
  canvas.addEventListener("keydown", (event) => {
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    hovered = null;
    take(step(...move));
  });

  const outside = () => {
    if (saving) return;
    state = read();
    draw();
    for (const [key, control] of Object.entries(shown)) control.show(state[key]);
  };
  const watched = names.map((key) => `change:${key}`);
  for (const key of watched) model.on(key, outside);
  draw();
  const stops = [onResize(root, draw), watchTheme(drawChart)];
  return () => {
    cancelAnimationFrame(waiting);
    for (const stop of stops) stop();
    announcer.stop();
    for (const key of watched) model.off(key, outside);
    root.remove();
  };
}

export default { render };
