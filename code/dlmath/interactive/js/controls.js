import { html } from "./plot.js";

// Native labelled controls; each returns its row, its input and a function that shows a value.
let nextId = 0;

function labelled(text, input, output) {
  const id = `dlm-control-${++nextId}-${Math.random().toString(36).slice(2, 6)}`;
  input.id = id;
  const label = html("label", { for: id }, text);
  return html("div", { class: "dlm-control" }, label, input, ...(output ? [output] : []));
}

function select(text, options, value, onChange) {
  const input = html("select");
  for (const [key, name] of options) input.append(html("option", { value: key }, name));
  input.value = value;
  input.addEventListener("change", () => onChange(input.value));
  return { row: labelled(text, input), input, show: (next) => { input.value = next; } };
}

function checkbox(text, checked, onChange) {
  const input = html("input", { type: "checkbox" });
  input.checked = checked;
  input.addEventListener("change", () => onChange(input.checked));
  const row = labelled(text, input);
  row.classList.add("dlm-check");
  return { row, input, show: (next) => { input.checked = next; } };
}

// A slider over [min, max]; with log, equal distances are equal ratios.
function slider(text, { min, max, step, log, integer, describe }, value, onChange) {
  const inward = log ? Math.log10 : (v) => v;
  const outward = (v) => (log ? 10 ** v : v);
  const tidy = (v) => (integer ? Math.round(v) : v);
  const stride = log ? (inward(max) - inward(min)) / 100 : step ?? (max - min) / 100;
  const input = html("input", { type: "range", min: inward(min), max: inward(max), step: stride });
  const output = html("output");
  const show = (next) => {
    input.value = inward(next);
    output.textContent = describe(next);
    input.setAttribute("aria-valuetext", describe(next));
  };
  const row = labelled(text, input, output);
  output.setAttribute("for", input.id);
  input.addEventListener("input", () => {
    const next = tidy(outward(Number(input.value)));
    output.textContent = describe(next);
    input.setAttribute("aria-valuetext", describe(next));
    onChange(next);
  });
  show(value);
  row.classList.add("dlm-slider");
  return { row, input, show };
}

function button(text, onClick) {
  const input = html("button", { type: "button", class: "dlm-button" }, text);
  input.addEventListener("click", onClick);
  return { row: input, input };
}

// Numbers under the plot: a list of [name, value] pairs.
class Readouts {
  constructor(parent) {
    this.list = html("dl", { class: "dlm-readouts" });
    parent.append(this.list);
  }

  show(pairs) {
    this.list.replaceChildren(...pairs.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
  }
}

// Says a sentence to a screen reader when the figure has come to rest.
class Announcer {
  constructor(parent) {
    this.region = html("p", { class: "dlm-hidden", "aria-live": "polite" });
    parent.append(this.region);
  }

  say(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.region.textContent = text; }, 500);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

// The frame of every figure: controls, panels, readouts, in a box of reserved height.
function makeFrame(el, model) {
  const [narrow, wide] = model.get("height") ?? [];
  const root = html("div", { class: "dlm-root", role: "group", "aria-label": model.get("alt") });
  if (narrow) root.style.cssText = `--dlm-h-narrow:${narrow}px;--dlm-h-wide:${wide}px`;
  const controls = html("div", { class: "dlm-controls" });
  const plots = html("div", { class: "dlm-plots" });
  root.append(controls, plots);
  const readouts = new Readouts(root);
  const announcer = new Announcer(root);
  el.append(html("div", { class: "dlm" }, root));
  return { root, controls, plots, readouts, announcer };
}
