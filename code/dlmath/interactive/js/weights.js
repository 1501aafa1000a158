import { html } from "./plot.js";
import { button } from "./controls.js";
import { float16Numbers } from "./float16.js";

const PATIENCE_MS = 120_000;

// Asks for the weights that the figure names (see _weights.py): in a notebook Python answers, in a
// static page its host. Gives { model, parameters, n_features, layout, values }.
export function requestWeights(model, name) {
  return new Promise((resolve, reject) => {
    const listen = (message, buffers) => {
      if (message?.type !== "weights" || message.name !== name) return;
      end();
      if (message.error) reject(new Error(message.error));
      else resolve({ ...message, values: float16Numbers(buffers[0]) });
    };
    const timer = setTimeout(() => { end(); reject(new Error("nobody answered; a notebook needs a running kernel")); }, PATIENCE_MS);
    const end = () => { clearTimeout(timer); model.off("msg:custom", listen); };
    model.on("msg:custom", listen);
    model.send({ type: "weights", name });
  });
}

// A button with the size of all that it loads, and a line that says what became of it. When all is
// there, ready gets the weights by name; what it returns takes the focus.
export function weightsLoader(model, ready, what = "the network") {
  const assets = Object.entries(model.get("assets"));
  const size = Math.ceil(assets.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1000);
  const status = html("p", { class: "dlm-status", role: "status" });
  const { input } = button(`Load ${what}, ${size} kB`, load);
  let busy = false;

  async function load() {
    if (busy) return;
    busy = true;
    input.setAttribute("aria-disabled", "true");
    status.textContent = "Loading…";
    try {
      const found = await Promise.all(assets.map(async ([name]) => [name, await requestWeights(model, name)]));
      const focused = input === input.getRootNode().activeElement;
      const next = ready(Object.fromEntries(found));
      const count = found.reduce((sum, [, { values }]) => sum + values.length, 0);
      status.textContent = `Loaded: ${count.toLocaleString("en")} numbers.`;
      input.classList.add("dlm-gone");
      if (focused) next?.focus();
    } catch (error) {
      busy = false;
      input.removeAttribute("aria-disabled");
      status.textContent = `This did not work: ${error.message}. Try again, or look at the picture, which shows how it begins.`;
    }
  }

  return { row: html("div", { class: "dlm-load" }, input, status), input };
}
