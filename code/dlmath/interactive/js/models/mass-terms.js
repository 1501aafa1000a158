// The terms of the mass formulas of dlmath.nuclear, column by column.
const SHELLS = [2, 8, 20, 28, 50, 82, 126, 184];

function toColumns({ Z, N }, row) {
  const rows = Z.map((z, i) => row(z, N[i], i));
  return rows[0].map((_, j) => Float64Array.from(rows, (values) => values[j]));
}

function dropRow(z, n) {
  const A = z + n;
  return [A, -(A ** (2 / 3)), (-z * (z - 1)) / Math.cbrt(A), -((n - z) ** 2) / A, (1 - (z % 2) - (n % 2)) / Math.sqrt(A)];
}

const valence = (number) => Math.min(...SHELLS.map((magic) => Math.abs(number - magic)));

function extendedRow(z, n) {
  const A = z + n, p = valence(z), q = valence(n), P = (p * q) / Math.max(p + q, 1);
  return [...dropRow(z, n), (n - z) ** 2 / A ** (4 / 3), -Math.abs(n - z) / A, z ** (4 / 3) / Math.cbrt(A), Math.cbrt(A), -(p + q), -P, P * P];
}

// One kind of nucleons after Duflo and Zuker: sub-shells j_0, r_0, j_1, r_1, ... are filled in turn.
function fillShells(number, promoted) {
  const capacity = (s) => (s % 2 ? ((s - 1) / 2) * ((s + 1) / 2) : s + 2);
  const taken = [];
  let rest = number, last = 0;
  for (let s = 0; rest > 0; s++) {
    last = s;
    taken.push(Math.min(rest, capacity(s)));
    rest -= taken[s];
  }
  const inLast = taken[last];
  taken[last] -= promoted;
  taken.push(promoted, 0);
  let amplitudes = 0, spinOrbit = 0;
  for (let p = 0; 2 * p + 1 < taken.length; p++) {
    const [j, r] = taken.slice(2 * p), D = (p + 1) * (p + 2), a = (j + r) / Math.sqrt(D);
    amplitudes += a;
    spinOrbit += (((p / 2) * j - r) * ((1 + a) * p * p + (1 - a) * (4 * p - 5))) / D ** 1.5;
  }
  const p = Math.floor(last / 2), intruder = last % 2 === 0, below = intruder ? p - 1 : p;
  const places = (below + 1) * (below + 2) + 2;
  const n = intruder ? inLast + below * (below + 1) : inLast - promoted;
  const quadrupole = (n * (places - n - promoted)) / places;
  return { p, places, quadrupole, master: amplitudes ** 2, spinOrbit, threeBody: quadrupole * (2 * n - places) };
}

function pairing(z, n) {
  const excess = Math.abs(n - z) / (z + n);
  if (z % 2 === n % 2) return z % 2 ? excess : 2 - excess;
  return Math.min(z, n) % 2 ? 1 - excess : 1;
}

function dufloZukerRow(z, n, neutrons, protons, deformed) {
  const A = z + n, t = Math.abs(n - z), root = Math.cbrt(A);
  const radius = root * (1 - (t / A) ** 2 / 4), rho = radius ** 2 / root;
  const master = neutrons.master + protons.master;
  const threeBody = deformed ? 0 : neutrons.threeBody + protons.threeBody;
  const product = neutrons.quadrupole * protons.quadrupole;
  const pairs = z * (z - 1), asymmetry = (t * (t + 2)) / root ** 2;
  return [
    ((-pairs + 0.76 * pairs ** (2 / 3)) * rho) / radius,
    master + neutrons.spinOrbit + protons.spinOrbit, -master / rho,
    -asymmetry, asymmetry / rho + (t * (1 - t)) / (A * rho ** 3),
    threeBody, -threeBody / rho,
    deformed ? 0 : product * 2 ** (Math.sqrt(neutrons.p) + Math.sqrt(protons.p)),
    deformed ? product / Math.sqrt(neutrons.places * protons.places) : 0,
    pairing(z, n),
  ].map((value) => value / rho);
}

function dufloZukerColumns(nuclides) {
  const known = new Map();
  const fluid = (number, flag) => {
    const key = 2 * number + flag;
    if (!known.has(key)) known.set(key, fillShells(number, 4 * flag));
    return known.get(key);
  };
  const { deformed } = nuclides;
  return toColumns(nuclides, (z, n, i) => dufloZukerRow(z, n, fluid(n, deformed[i]), fluid(z, deformed[i]), deformed[i]));
}

function chebyshev(x, degree) {
  const values = [1, x];
  for (let k = 2; k <= degree; k++) values.push(2 * x * values[k - 1] - values[k - 2]);
  return values;
}

// Products of Chebyshev polynomials by falling simplicity: those of degree d and less come first.
function polynomialColumns(degree, train) {
  const [z, n] = [train.Z, train.N].map((numbers) => {
    const low = Math.min(...numbers), high = Math.max(...numbers);
    return (value) => chebyshev((2 * (value - low)) / (high - low) - 1, degree);
  });
  const pairs = [];
  for (let sum = 0; sum <= degree; sum++) for (let i = 0; i <= sum; i++) pairs.push([i, sum - i]);
  return (nuclides) => toColumns(nuclides, (zi, ni) => {
    const u = z(zi), v = n(ni);
    return pairs.map(([i, j]) => u[i] * v[j]);
  });
}

// The constant comes first and is not penalised.
const polynomialPenalties = (degree, nLambda) => Array.from({ length: ((degree + 1) * (degree + 2)) / 2 }, (_, j) => (j ? nLambda : 0));

// By name: the columns, whose scale may come from the training set, and the penalties.
function massModels({ degree, lam }) {
  const free = (columns, p) => ({ columns: () => columns, penalties: () => new Array(p).fill(0) });
  return {
    "liquid drop, 5 terms": free((nuclides) => toColumns(nuclides, dropRow), 5),
    "liquid drop, 12 terms": free((nuclides) => toColumns(nuclides, extendedRow), 12),
    "Duflo-Zuker, 10 terms": free(dufloZukerColumns, 10),
    [`polynomial, degree ${degree}`]: {
      columns: (train) => polynomialColumns(degree, train),
      penalties: (n) => polynomialPenalties(degree, n * lam),
    },
  };
}
