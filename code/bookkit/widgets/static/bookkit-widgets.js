// Hosts anywidgets (the AFM standard) in a static page, from a server or from disk.
(() => {
  const block = document.getElementById("bookkit-widget-state");
  if (!block) return;
  const folder = new URL(".", document.currentScript.src);
  const entries = JSON.parse(block.textContent);
  const scripts = new Map();
  const modules = new Map();
  const models = new Map();
  const cleanUps = [];

  // A buffer is taken out of the state by path and encoded; it goes back as a DataView.
  function putBuffers(state, buffers = []) {
    for (const { path, data, encoding } of buffers) {
      const text = encoding === "hex"
        ? String.fromCharCode(...data.match(/../g).map((pair) => parseInt(pair, 16)))
        : atob(data);
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      let place = state;
      for (const key of path.slice(0, -1)) place = place[key];
      place[path.at(-1)] = new DataView(bytes.buffer);
    }
    return state;
  }

  class Model {
    #state;
    #listeners = new Map();

    constructor(state) { this.#state = state; }

    get(name) { return this.#state[name]; }

    set(name, value) {
      const changes = typeof name === "object" ? name : { [name]: value };
      const changed = Object.keys(changes).filter((key) => this.#state[key] !== changes[key]);
      Object.assign(this.#state, changes);
      for (const key of changed) this.#emit(`change:${key}`, changes[key]);
      if (changed.length) this.#emit("change");
    }

    on(names, callback) {
      for (const name of names.split(/\s+/)) {
        this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), callback]);
      }
    }

    off(names, callback) {
      for (const name of names?.split(/\s+/) ?? [...this.#listeners.keys()]) {
        const kept = (this.#listeners.get(name) ?? []).filter((other) => callback && other !== callback);
        this.#listeners.set(name, kept);
      }
    }

    // There is no kernel: the state lives in the page alone.
    save_changes() {}

    // What a kernel would answer lies in a file beside the page, if it is about weights.
    async send({ type, name } = {}) {
      if (type !== "weights") return;
      try {
        const { view, ...about } = await loadWeights(this.#state.assets?.[name]?.key);
        this.#tell({ type, name, ...about }, [view]);
      } catch (error) {
        this.#tell({ type, name, error: error.message }, []);
      }
    }

    #emit(name, value) {
      for (const callback of this.#listeners.get(name) ?? []) callback(this, value);
    }

    #tell(message, buffers) {
      for (const callback of this.#listeners.get("msg:custom") ?? []) callback(message, buffers);
    }
  }

  function addScript(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, folder).href;
      script.onload = resolve;
      script.onerror = () => {
        scripts.delete(name);
        script.remove();
        reject(new Error(`the file ${name} could not be loaded`));
      };
      document.head.append(script);
    });
  }

  const loadScript = (name) => once(scripts, name, () => addScript(name));

  async function loadWeights(key) {
    if (!key) throw new Error("the figure has no such network");
    await loadScript(`weights-${key}.js`);
    const { data, ...about } = window.bookkitWeights[key];
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return { ...about, view: new DataView(bytes.buffer) };
  }

  async function importModule(keys) {
    await Promise.all(keys.map((key) => loadScript(`esm-${key}.js`)));
    const parts = keys.map((key) => window.bookkitModules[key]);
    for (const { css } of parts) if (css) addStyle(css);
    const url = URL.createObjectURL(new Blob(parts.map(({ esm }) => esm), { type: "text/javascript" }));
    try {
      return await import(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  const styles = new Set();
  function addStyle(css) {
    if (styles.has(css)) return;
    styles.add(css);
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
  }

  function once(cache, key, make) {
    if (!cache.has(key)) cache.set(key, make());
    return cache.get(key);
  }

  async function startModel(name, alt) {
    const { parts, state, buffers } = entries[name];
    const module = await once(modules, parts.join(), () => importModule(parts));
    const front = module.default ?? module;
    const widget = typeof front === "function" ? await front() : front;
    const model = new Model(putBuffers({ ...state, alt }, buffers));
    cleanUps.push(await widget.initialize?.({ model, signal: ending.signal, experimental: {} }));
    return { widget, model };
  }

  async function show(figure) {
    const live = document.createElement("div");
    live.className = "bk-live";
    try {
      const alt = figure.querySelector("img")?.alt ?? "";
      const name = figure.dataset.model;
      const { widget, model } = await once(models, name, () => startModel(name, alt));
      figure.append(live);
      cleanUps.push(await widget.render({ model, el: live, signal: ending.signal, experimental: {} }));
      figure.classList.add("bk-on");
    } catch (error) {
      console.error(error);
      live.remove();
      const message = document.createElement("p");
      message.className = "bk-widget-error";
      message.setAttribute("role", "status");
      message.textContent = `This figure cannot be moved here (${error.message}). The picture shows how it begins.`;
      figure.after(message);
    }
  }

  const ending = new AbortController();
  addEventListener("pagehide", (event) => {
    if (event.persisted) return;
    ending.abort();
    for (const cleanUp of cleanUps.splice(0)) if (typeof cleanUp === "function") cleanUp();
  });

  const seen = new IntersectionObserver((sightings) => {
    for (const { isIntersecting, target } of sightings) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      show(target);
    }
  }, { rootMargin: "200px 0px" });
  for (const figure of document.querySelectorAll(".bk-widget")) seen.observe(figure);
})();
