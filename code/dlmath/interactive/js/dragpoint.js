import { colour, format, svg } from "./plot.js";

// A point of a panel that is moved by dragging it, or by the arrow keys.
class DragPoint {
  constructor({ name, label, min, max, color, hollow }, panel, onMove, onEnd, withKeys = true) {
    Object.assign(this, { name, min, max, panel, onMove, onEnd });
    this.ring = svg("circle", { class: "dlm-ring", r: 16 });
    const paint = hollow ? `fill:var(--dlm-bg);stroke:${colour(color)};stroke-width:3` : color && `fill:${colour(color)}`;
    this.dot = svg("circle", { class: "dlm-point", r: 6, style: paint });
    const spoken = { role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": min[1], "aria-valuemax": max[1] };
    this.node = svg("g", { class: "dlm-handle", ...(withKeys ? spoken : { "aria-hidden": "true" }) }, this.ring, this.dot);
    this.withKeys = withKeys;
    this.layer = svg("svg", { class: "dlm-handles" }, this.node);
    panel.box.append(this.layer);
    this.node.addEventListener("pointerdown", (event) => this.#press(event));
    this.node.addEventListener("keydown", (event) => this.#type(event));
  }

  // A model hides a point by placing it at null.
  place(value, scales) {
    this.layer.style.display = value ? "" : "none";
    if (!scales || !value) return;
    this.scales = scales;
    this.value = value;
    this.layer.setAttribute("viewBox", this.panel.picture.getAttribute("viewBox"));
    for (const circle of [this.ring, this.dot]) {
      circle.setAttribute("cx", scales.x(value[0]));
      circle.setAttribute("cy", scales.y(value[1]));
    }
    if (!this.withKeys) return;
    this.node.setAttribute("aria-valuenow", value[1]);
    this.node.setAttribute("aria-valuetext", value.map((v) => format(v)).join(", "));
  }

  #move(value) {
    this.onMove(value.map((v, i) => Math.max(this.min[i], Math.min(this.max[i], v))));
  }

  #press(event) {
    const { x, y } = this.scales;
    const dx = x(this.value[0]) - event.clientX, dy = y(this.value[1]) - event.clientY;
    const move = (e) => this.#move([x.invert(e.clientX + dx), y.invert(e.clientY + dy)]);
    const release = () => {
      this.node.classList.remove("dlm-held");
      this.node.removeEventListener("pointermove", move);
      this.onEnd();
    };
    event.preventDefault();
    this.node.setPointerCapture(event.pointerId);
    this.node.focus({ focusVisible: false });
    this.node.classList.add("dlm-held");
    this.node.addEventListener("pointermove", move);
    this.node.addEventListener("lostpointercapture", release, { once: true });
  }

  #type(event) {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [0, 5], PageDown: [0, -5] };
    const way = event.ctrlKey || event.metaKey || event.altKey ? undefined : ways[event.key];
    if (!way) return;
    event.preventDefault();
    // In a notebook the arrows would also move between cells.
    event.stopPropagation();
    this.#move(this.value.map((v, i) => v + (way[i] * (this.max[i] - this.min[i])) / 50));
    this.onEnd();
  }
}
