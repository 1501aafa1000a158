import { Panel, format, html, onResize } from "./plot.js";
import { button, checkbox, makeFrame, select, slider } from "./controls.js";
import { DragPoint } from "./dragpoint.js";

const MOTION_MS = 700;
const POINT_HINT = "Drag the point, or move it with the arrow keys.";
const POINTS_HINT = "Drag the points, or move them with the arrow keys.";

function describer({ digits = 3, unit = "", integer }) {
  return (value) => (integer ? String(value).replace("-", "−") : format(value, digits)) + unit;
}

// A figure that computes: compute(params, data) gives panels and readouts; actions are buttons.
function computedPlot({ compute, actions = {} }) {
  function render({ model, el }) {
    const { root, controls, plots, readouts, announcer } = makeFrame(el, model);
    const data = model.get("data");
    let params = { ...model.get("params") };
    let panels = [];
    let points = [];
    let motion = 0;

    function makePanels(picture) {
      panels = picture.panels.map(() => new Panel(plots));
      const controls = model.get("controls").filter(({ type }) => type === "point");
      // In a second panel a point can be dragged too, but the keys meet it once.
      points = panels.flatMap((panel, i) => controls.filter((c) => (c.panels ?? [c.panel ?? 0]).includes(i)).map((c) => new DragPoint(
        c, panel, (value) => change({ [c.name]: value }), save, i === (c.panels?.[0] ?? i),
      )));
      if (points.length) readouts.list.before(html("p", { class: "dlm-hint" }, points.length > 1 ? POINTS_HINT : POINT_HINT));
    }

    function draw() {
      const picture = compute(params, data);
      if (panels.length === 0) makePanels(picture);
      const scales = picture.panels.map((spec, i) => panels[i].draw(spec));
      // A model may hold a point to a curve.
      const at = { ...params, ...picture.points };
      for (const point of points) point.place(at[point.name], scales[panels.indexOf(point.panel)]);
      readouts.show(picture.readouts);
      return picture;
    }

    function change(next) {
      params = { ...params, ...next };
      const picture = draw();
      announcer.say([...picture.readouts.map((pair) => pair.join(" ")), picture.message ?? ""].join("; "));
    }

    function save() {
      model.set("params", params);
      model.save_changes();
    }

    function showControls() {
      for (const [name, control] of Object.entries(shown)) control.show(params[name]);
    }

    // What has a log scale moves by equal ratios, what counts by whole numbers; a word is there at once.
    const named = (kind) => new Set(model.get("controls").filter((c) => c[kind]).map((c) => c.name)), log = named("log"), whole = named("integer");
    const onTheWay = (name, a, b, t) => (typeof b === "string" ? b : Array.isArray(a) ? a.map((v, i) => onTheWay("", v, b[i], t)) : log.has(name) ? a * (b / a) ** t : a + t * (b - a));
    const between = (name, ...way) => (whole.has(name) ? Math.round(onTheWay(name, ...way)) : onTheWay(name, ...way));

    function moveTo(target) {
      cancelAnimationFrame(motion);
      pause();
      const from = params, calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const begin = performance.now();
      const frame = (now) => {
        const t = calm ? 1 : Math.min(1, Math.max(0, (now - begin) / MOTION_MS)), ease = t * t * (3 - 2 * t);
        const next = Object.entries(target).map(([name, end]) => [name, t < 1 ? between(name, from[name], end, ease) : end]);
        change(Object.fromEntries(next));
        showControls();
        if (t < 1) motion = requestAnimationFrame(frame);
        else save();
      };
      frame(begin);
    }

    // A player moves a slider to its end, from its beginning if it is there, and can be paused.
    let pause = () => {};
    function player({ label, slider: name, seconds }) {
      const { min, max, integer } = model.get("controls").find((c) => c.name === name);
      const made = button(label, () => (made.playing ? pause() : play()));
      const show = (value) => { change({ [name]: value }); shown[name].show(value); };
      const stop = () => {
        cancelAnimationFrame(motion);
        made.playing = false;
        made.input.textContent = label;
        save();
      };
      function play() {
        if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
          show(params[name] < max ? max : min);
          return save();
        }
        if (params[name] >= max) show(min);
        made.playing = true;
        made.input.textContent = "Pause";
        pause = stop;
        let last = performance.now(), at = params[name];
        const frame = (now) => {
          at = Math.min(max, at + (Math.min(100, Math.max(0, now - last)) / 1000 / seconds) * (max - min));
          last = now;
          show(integer ? Math.round(at) : at);
          if (params[name] < max) motion = requestAnimationFrame(frame);
          else stop();
        };
        motion = requestAnimationFrame(frame);
      }
      return made;
    }

    const choose = (name) => (value) => { cancelAnimationFrame(motion); pause(); change({ [name]: value }); save(); };
    const makers = {
      slider: (c) => slider(c.label, { ...c, describe: describer(c) }, params[c.name], choose(c.name)),
      select: (c) => select(c.label, c.options.map((option) => [option, option]), params[c.name], choose(c.name)),
      checkbox: (c) => checkbox(c.label, params[c.name], choose(c.name)),
      play: player,
      button: (c) => button(c.label, () => moveTo(actions[c.name](params, data))),
    };
    const shown = {};
    for (const control of model.get("controls").filter(({ type }) => type !== "point")) {
      const made = makers[control.type](control);
      controls.append(made.row);
      if (made.show) shown[control.name] = made;
    }
    const outside = () => {
      if (model.get("params") === params) return;
      params = { ...model.get("params") };
      draw();
      showControls();
    };
    model.on("change:params", outside);
    draw();
    draw();
    const stopResize = onResize(plots, draw);
    return () => {
      cancelAnimationFrame(motion);
      stopResize();
      announcer.stop();
      model.off("change:params", outside);
      root.remove();
    };
  }
  return { render };
}
