const CALM_MS = 1000;

// Calls frame(calm) again and again while it runs and the node is in sight: at each of the
// browser's frames, or once a second for readers who ask for less motion.
class Animation {
  #running = false;
  #visible = true;
  #handle = 0;
  #timer = 0;

  constructor(node, frame) {
    this.frame = frame;
    this.looker = new IntersectionObserver(([entry]) => { this.#visible = entry.isIntersecting; });
    this.looker.observe(node);
  }

  get running() { return this.#running; }

  run(on) {
    this.#running = on;
    cancelAnimationFrame(this.#handle);
    clearTimeout(this.#timer);
    this.#tick();
  }

  stop() {
    this.run(false);
    this.looker.disconnect();
  }

  #tick() {
    if (!this.#running) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.#visible) this.frame(calm);
    if (!this.#running) return;
    if (calm) this.#timer = setTimeout(() => this.#tick(), CALM_MS);
    else this.#handle = requestAnimationFrame(() => this.#tick());
  }
}
