// Turns the tree that Temml makes into the one that is published: fewer elements, the same
// reading, and the spacing of TeX where browsers have none of their own.

const FENCES = "()[]{}⟨⟩⌊⌋⌈⌉";
// These open and close alike, so that an element must say which it does.
const BARS = "|‖";
const ACCENTS = "ˆ~˜ˉ˙¨ˇ˘´`˚→";
const DOTS = "…⋯";
const FUNCTION_APPLICATION = "\u2061";
const PRIMES = ["", "′", "″", "‴", "⁗"];
const LARGE = /^[∏∐∑∫-∳⋀-⋃⨀-⨆]$/;
const SCRIPTS = ["msub", "msup", "msubsup"];
const LIMITS = ["munder", "mover", "munderover"];
// The enclosures that the style sheet draws where the browser does not.
const ENCLOSURES = ["top", "bottom"];
const BORDERS = ["borderLeft", "borderRight", "borderTop", "borderBottom"];
// A formula of more signs than this may be wider than a telephone.
const LONG = 22;
const BREAKS = /^[=<>≤≥≈≠∼≃≡∝∈⊂⊆→↦⇒⇔≪≫+−±,;]$/;
// Elements whose children form a row without an <mrow> around them.
const ROWS = ["math", "mrow", "msqrt", "mstyle", "mtd", "menclose", "mpadded", "mphantom"];

// A context says how the children of an element are set: `display` style or not, and as how deep
// a script, since TeX sets no space around relations within scripts.
export function slim(math, display) {
  math.classes = [];
  math.style = {};
  math.attributes = display ? { display: "block" } : {};
  math.children = row(math.children, { display, depth: 0 });
  if (!display && text(math).length > LONG) breakLines(math);
  return math;
}

// A browser breaks no line within a formula. A long one in running text would reach beyond a
// narrow page: it becomes a row of pieces, each of which ends in a relation, a sign or a comma,
// outside fences where that makes the pieces short enough.
function breakLines(math) {
  const isLong = (piece) => piece.map(text).join("").length > LONG;
  const pieces = split(math.children, false).flatMap((piece) =>
    isLong(piece) ? split(piece, true) : [piece],
  );
  if (pieces.length === 1) return;
  math.classes = ["long"];
  math.children = pieces.map((piece) => {
    if (piece.length === 1) return piece[0];
    const mrow = wrapper(piece[0]);
    mrow.children = piece;
    return mrow;
  });
}

function split(nodes, withinFences) {
  const pieces = [[]];
  let fences = 0;
  for (const node of nodes) {
    if (core(node)?.fence) fences += closes(core(node)) ? -1 : 1;
    pieces.at(-1).push(node);
    const breaks = node.type === "mo" && BREAKS.test(text(node)) && pieces.at(-1).length > 1;
    const allowed = withinFences || fences === 0;
    if (breaks && allowed && node.attributes.form !== "prefix") pieces.push([]);
  }
  return pieces.filter((piece) => piece.length);
}

function row(children, context) {
  return settled(parts(children, context));
}

function parts(children, context) {
  return flat(children)
    .flatMap((child) => simplify(child, context))
    .filter((node) => !isNothing(node));
}

// What depends on the neighbours within a row.
function settled(nodes) {
  const kept = joinFunctionSpace(nodes);
  kept.forEach((node, i) => setForm(node, i, kept));
  kept.forEach((node, i) => setLargeOperator(node, kept[i - 1], kept[i + 1]));
  return kept;
}

// Temml's document fragments are rows without an element.
function flat(children) {
  return children.flatMap((child) => (isFragment(child) ? flat(child.children) : [child]));
}

function isFragment(node) {
  return node.type === undefined && node.children !== undefined;
}

function isNothing(node) {
  const bare = Object.keys(node.attributes).length === 0;
  if (node.type === "mspace") return bare || node.attributes.width === "0pt";
  if (node.type === "mo") return text(node) === "";
  return node.type === "mrow" && bare && node.children.length === 0;
}

function text(node) {
  return node.text ?? (node.children ?? []).map(text).join("");
}

// Returns the nodes that stand for this one in its row.
function simplify(node, context) {
  switch (node.type) {
    case "mo":
      return [operator(node, context)];
    case "mi":
      return [identifier(node)];
    case "mn":
    case "mtext":
    case "mspace":
      return [token(node)];
    case "mrow":
      return group(node, context);
    case "mstyle":
      return style(node, context);
    case "mpadded":
      return padded(node, context);
    default:
      return structure(node, context);
  }
}

function token(node) {
  node.classes = [];
  return node;
}

// Firefox sets thin spaces beside an upright letter, unless it is padded.
function identifier(node) {
  const { mathvariant } = node.attributes;
  delete node.attributes.mathvariant;
  if (mathvariant !== "normal" || !/^[A-Za-z\u0370-\u03ff∂∇]$/.test(text(node))) return token(node);
  node.attributes.mathvariant = "normal";
  const padding = wrapper(node);
  padding.type = "mpadded";
  padding.children = [token(node)];
  return padding;
}

function operator(node, context) {
  const symbol = text(node);
  const { attributes } = node;
  const fence = attributes.fence === "true";
  node.classes = [];
  node.style = node.style.color ? { color: node.style.color } : {};
  node.fence = fence;
  if (symbol === "→" && attributes.stretchy === "false") node.classes = ["v"];
  if (symbol === "~") node.children[0].text = "˜";
  if (DOTS.includes(symbol)) Object.assign(attributes, { lspace: "0", rspace: "0" });
  delete attributes.fence;
  delete attributes.separator;
  delete attributes.linebreak;
  if (fence && attributes.stretchy === "true") delete attributes.stretchy;
  if (!isStretchy(symbol)) delete attributes.stretchy;
  if (FENCES.includes(symbol)) ["form", "lspace", "rspace"].forEach((name) => delete attributes[name]);
  if (context.display || !context.limits) delete attributes.movablelimits;
  shorten(attributes, "lspace");
  shorten(attributes, "rspace");
  if (context.depth > 0 && !fence && symbol !== FUNCTION_APPLICATION) {
    attributes.lspace = "0";
    attributes.rspace = "0";
  }
  return node;
}

function isStretchy(symbol) {
  return (FENCES + BARS + ACCENTS).includes(symbol) || /[\u2190-\u21ff⏞⏟]/.test(symbol);
}

function shorten(attributes, name) {
  if (attributes[name] === "0em") attributes[name] = "0";
}

// A row within a row is only kept where its fences stretch to what they enclose.
function group(node, context) {
  const nodes = parts(node.children, context);
  const stretches = nodes.some((child) => child.type === "mo" && child.fence && grows(child));
  if (Object.keys(node.attributes).length || (stretches && nodes.length > 1)) {
    node.classes = [];
    node.children = settled(nodes);
    return [node];
  }
  return nodes;
}

function grows(fence) {
  return fence.attributes.stretchy !== "false" && fence.attributes.minsize === undefined;
}

// \tfrac and its kin: the one child can carry the style itself.
function style(node, context) {
  const inner = {
    display: (node.attributes.displaystyle ?? String(context.display)) === "true",
    depth: Number(node.attributes.scriptlevel ?? context.depth),
  };
  const nodes = parts(node.children, inner);
  if (nodes.length === 1 && !Object.keys(node.style).length) {
    Object.assign(nodes[0].attributes, node.attributes);
    return nodes;
  }
  node.children = settled(nodes);
  return [node];
}

function padded(node, context) {
  const { lspace, ...rest } = node.attributes;
  if (lspace === "0" && !Object.keys(rest).length) return parts(node.children, context);
  node.children = row(node.children, context);
  return [node];
}

function structure(node, context) {
  if (node.type === "menclose" && !ENCLOSURES.includes(node.attributes.notation)) {
    throw new Error(`browsers do not draw the enclosure "${node.attributes.notation}"`);
  }
  if (ROWS.includes(node.type)) {
    node.children = row(node.children, context);
    node.classes = [];
    return [node];
  }
  if (node.type === "mtable") return [table(node, context)];
  if (SCRIPTS.includes(node.type)) return scripts(node, context);
  const contexts = childContexts(node, context);
  node.children = node.children.map((child, i) => single(child, contexts[i]));
  node.classes = [];
  return [node];
}

function childContexts(node, context) {
  const script = { display: false, depth: context.depth + 1 };
  if (node.type === "mfrac") {
    const shown = (node.attributes.displaystyle ?? String(context.display)) === "true";
    const part = { display: false, depth: context.depth + (shown ? 0 : 1) };
    return [part, part];
  }
  if (node.type === "mroot") return [context, { display: false, depth: context.depth + 2 }];
  if (LIMITS.includes(node.type)) {
    return [{ ...context, limits: true }, isAccent(node) ? context : script, script];
  }
  return [context, script, script];
}

function isAccent(node) {
  return node.children.length === 2 && node.children[1].type === "mo";
}

// An element with a fixed number of children needs exactly one node for each.
function single(child, context) {
  const nodes = parts([child], context);
  if (nodes.length === 1) return nodes[0];
  const template = child.type === "mrow" ? child : wrapper(child);
  template.attributes = {};
  template.classes = [];
  template.style = {};
  template.children = settled(nodes);
  return template;
}

function wrapper(like) {
  const node = Object.create(Object.getPrototypeOf(like));
  return Object.assign(node, { type: "mrow", attributes: {}, children: [], classes: [], style: {} });
}

// As in TeX, a script belongs to the closing fence, not to all that the fences enclose: it then
// stands at the height of the fence. Fences that stretch keep their scripts.
function scripts(node, context) {
  const [base, ...indices] = node.children;
  const script = { display: false, depth: context.depth + 1 };
  const nodes = parts([base], context);
  const last = nodes.pop() ?? wrapper(node);
  const children = indices.map((child) => primes(single(child, script)));
  node.classes = [];
  if (nodes.length && !last.fence) {
    const whole = wrapper(node);
    whole.children = settled([...nodes, last]);
    node.children = [whole, ...children];
    return [node];
  }
  if (last.fence && BARS.includes(text(last))) last.attributes.form = "postfix";
  node.children = [last.attributes.minsize ? unstretched(last) : last, ...children];
  return [...nodes, node];
}

// Chromium forgets the least size of a fence that has a script, unless a row hides the fence.
function unstretched(fence) {
  const hiding = wrapper(fence);
  hiding.children = [fence, wrapper(fence)];
  return hiding;
}

// f'' has one double prime.
function primes(node) {
  const marks = node.type === "mrow" ? node.children : [node];
  if (!marks.every((mark) => mark.type === "mo" && text(mark) === "′")) return node;
  marks[0].children[0].text = PRIMES[marks.length] ?? "′".repeat(marks.length);
  marks[0].attributes = { lspace: "0", rspace: "0" };
  return marks[0];
}

// Columns that alternate right and left are those of aligned equations: the style sheet
// knows them by the table's class, so that the cells need none.
function table(node, context) {
  const inner = {
    display: node.attributes.displaystyle === "true",
    depth: node.classes.includes("tml-small") ? context.depth + 1 : context.depth,
  };
  const rows = node.children.filter((child) => child.type === "mtr");
  for (const tr of rows) {
    tr.classes = [];
    for (const cell of tr.children) cell.children = row(cell.children, inner);
  }
  const kind = columns(rows);
  if (kind) {
    node.classes = [kind];
    for (const cell of rows.flatMap((tr) => tr.children)) {
      cell.classes = [];
      cell.style = {};
    }
  } else {
    node.classes = [];
    for (const cell of rows.flatMap((tr) => tr.children)) plainCell(cell);
  }
  return node;
}

function columns(rows) {
  const is = (name) => (cell, i) => cell.classes.includes(name(i));
  const cells = (test) => rows.every((tr) => tr.children.every(test));
  if (cells(is((i) => (i % 2 ? "tml-left" : "tml-right")))) return "aligned";
  if (cells(is(() => "tml-left"))) return "cases";
  if (cells((cell) => cell.classes.length === 0 && rows[0].children.length === 1)) return "gathered";
  if (cells((cell) => cell.classes.length === 0 && !BORDERS.some((side) => cell.style[side]))) {
    return "matrix";
  }
  return null;
}

function plainCell(cell) {
  const kept = Object.entries(cell.style).filter(([name]) => BORDERS.includes(name));
  cell.style = Object.fromEntries(kept);
  if (cell.classes.includes("tml-left")) cell.style.textAlign = "left";
  if (cell.classes.includes("tml-right")) cell.style.textAlign = "right";
  cell.classes = [];
}

// The thin space after the name of a function belongs to the sign that applies it.
function joinFunctionSpace(nodes) {
  return nodes.filter((node, i) => {
    const before = nodes[i - 1];
    const joins = node.type === "mspace" && before?.type === "mo" &&
      text(before) === FUNCTION_APPLICATION;
    if (joins) before.classes = ["f"];
    return !joins;
  });
}

// TeX sets a thin space before a sum only after a letter or a closing fence, and after it only
// where no fence opens.
function setLargeOperator(node, before, after) {
  const operator = core(node);
  if (operator === null || !LARGE.test(text(operator))) return;
  if (!before || (before.type === "mo" && !closes(before)) || before.type === "mspace") {
    operator.attributes.lspace = "0";
  }
  if (after?.type === "mo" && after.fence) operator.attributes.rspace = "0";
}

function core(node) {
  const scripted = SCRIPTS.includes(node.type) || LIMITS.includes(node.type);
  if (scripted) return core(node.children[0]);
  return node.type === "mo" ? node : null;
}

function closes(node) {
  return node.fence && (/[)\]}⟩⌋⌉]/.test(text(node)) || node.attributes.form === "postfix");
}

// Bars open and close in turn. Other signs need no form: browsers find the only one they have.
function setForm(node, i, nodes) {
  if (node.type !== "mo" || !BARS.includes(text(node)) || !node.fence) return;
  if (node.attributes.form) return;
  const before = nodes.slice(0, i).filter((other) => other.fence && text(other) === text(node));
  node.attributes.form = before.length % 2 ? "postfix" : "prefix";
}
