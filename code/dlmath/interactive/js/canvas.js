// The page's colours as triples; whatever way the page writes them, a canvas knows them.
function readColours(node, context) {
  const style = getComputedStyle(node);
  const read = (name) => {
    context.fillStyle = style.getPropertyValue(`--dlm-${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
  };
  return Object.fromEntries(["bg", "ink", "muted", "c1", "c2", "c4"].map((name) => [name, read(name)]));
}

const mix = (a, b, t) => a.map((value, i) => value + t * (b[i] - value));
const css = (triple) => `rgb(${triple.map(Math.round).join(" ")})`;

// Calls back when the page's colours may have changed.
function watchTheme(redraw) {
  const observer = new MutationObserver(redraw);
  for (const node of [document.documentElement, document.body]) observer.observe(node, { attributeFilter: ["class", "data-theme", "data-jp-theme-light"] });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  return () => { observer.disconnect(); scheme.removeEventListener("change", redraw); };
}
