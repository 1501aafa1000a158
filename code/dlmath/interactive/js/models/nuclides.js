import { combine, reduceColumns, solveReduced } from "../columns.js";

// n bits, eight to a byte with the first one highest, in base64.
function unpackBits(text, n) {
  const bytes = atob(text);
  return Array.from({ length: n }, (_, i) => (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1);
}

// Z, N and binding energies in MeV: runs of neighbours, and what S_n(N) - S_n(N - 2) adds in keV.
function unpackNuclides({ runs, steps, errors, symbols, deformed, stable }) {
  const Z = [], N = [], keV = [];
  for (let i = 0; i < runs.length; i += 3) {
    for (let k = 0; k < runs[i + 2]; k++) { Z.push(runs[i]); N.push(runs[i + 1] + k); }
  }
  steps.forEach((step, i) => keV.push(i < 3 ? step : step + keV[i - 1] + keV[i - 2] - keV[i - 3]));
  const names = symbols.split(" "), numbers = [...new Set(Z)];
  const flagged = (text) => text && unpackBits(text, Z.length);
  return {
    Z, N,
    energy: keV.map((value) => value / 1000),
    error: errors && errors.map((value) => value / 1000),
    deformed: flagged(deformed),
    stable: flagged(stable)?.flatMap((flag, i) => (flag ? [i] : [])),
    symbol: (z) => names[numbers.indexOf(z)],
  };
}

// The rows to train on: their nuclides, and their energies in the evaluation of that time.
function unpackSplit({ held, shifts, extra }, nuclides) {
  const n = nuclides.Z.length;
  const isHeld = held ? unpackBits(held, n) : new Array(n).fill(0);
  const rows = isHeld.map((_, i) => i).filter((i) => !isHeld[i]);
  const pick = (values) => rows.map((i) => values[i]);
  return {
    isHeld,
    rows,
    held: isHeld.map((_, i) => i).filter((i) => isHeld[i]),
    train: {
      Z: [...pick(nuclides.Z), ...extra.map((row) => row[0])],
      N: [...pick(nuclides.N), ...extra.map((row) => row[1])],
      energy: [...rows.map((i, k) => nuclides.energy[i] + (shifts ? shifts[k] / 1000 : 0)), ...extra.map((row) => row[2] / 1000)],
      deformed: [...pick(nuclides.deformed), ...extra.map((row) => row[3])],
    },
  };
}

const rootMeanSquare = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

// Least squares on the training set; what the model says of all nuclides, and the errors.
function fitMasses(nuclides, split, { columns, penalties }) {
  const { train, held } = split;
  const terms = columns(train), X = terms(train);
  const theta = solveReduced(reduceColumns(X, train.energy), penalties(train.Z.length));
  const fitted = combine(X, theta), predicted = combine(terms(nuclides), theta);
  const residual = nuclides.energy.map((value, i) => value - predicted[i]);
  return {
    theta, predicted, residual,
    rmsTrain: rootMeanSquare(train.energy.map((value, i) => value - fitted[i])),
    rmsHeld: held.length ? rootMeanSquare(held.map((i) => residual[i])) : NaN,
  };
}
