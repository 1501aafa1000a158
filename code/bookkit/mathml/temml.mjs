// Reads one JSON request a line, {"latex", "display"}, and answers each with one line,
// {"mathml"} or {"error"}. The first line of input holds the macros.
import readline from "node:readline";
import temml from "temml";

import { slim } from "./slim.mjs";

// These number by themselves, or name things that Sphinx must know of.
const REFUSED =
  /\\(?:begin\s*\{(?:align|alignat|equation|eqnarray|gather|multline|flalign)\*?\}|tag\b|label\b|ref\b|eqref\b)/;

// Temml prints what it finds doubtful. Here that is an error, and the output is for answers only.
console.log = console.warn = (message) => {
  throw new Error(message);
};

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const macros = JSON.parse((await lines.next()).value);

function render({ latex, display }) {
  const refused = REFUSED.exec(latex);
  if (refused) {
    throw new Error(
      `${refused[0]} does not belong in a formula of this book ` +
        "(label with $$ ... $$ (eq-name); inside, write aligned, gathered or split)",
    );
  }
  const tree = temml.__renderToMathMLTree(latex, {
    displayMode: display,
    macros: structuredClone(macros),
    strict: true,
    throwOnError: true,
    trust: false,
  });
  return slim(tree, display).toMarkup();
}

for await (const line of lines) {
  let answer;
  try {
    answer = { mathml: render(JSON.parse(line)) };
  } catch (error) {
    // Temml breaks its messages into lines, and underlines with combining characters.
    answer = { error: error.message.replaceAll("\u0332", "").replace(/\s+/g, " ").trim() };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
