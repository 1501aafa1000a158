// Least squares with many rows: matrices are arrays of columns, each a Float64Array.

// Householder reflections, in place: R stands above the diagonal, which is returned by itself.
// The reflections act on the first p columns and on all that follow them (right-hand sides).
function triangularise(columns, p) {
  const n = columns[0].length;
  const diagonal = new Float64Array(p);
  for (let k = 0; k < p; k++) {
    const v = columns[k];
    let squares = 0;
    for (let i = k; i < n; i++) squares += v[i] * v[i];
    const norm = Math.sqrt(squares), first = v[k];
    diagonal[k] = first > 0 ? -norm : norm;
    if (norm === 0) continue;
    v[k] -= diagonal[k];
    const beta = 1 / (norm * (norm + Math.abs(first)));
    for (let j = k + 1; j < columns.length; j++) {
      const w = columns[j];
      let s = 0;
      for (let i = k; i < n; i++) s += v[i] * w[i];
      s *= beta;
      for (let i = k; i < n; i++) w[i] -= s * v[i];
    }
  }
  return diagonal;
}

// X^T X = R^T R and X^T y = R^T c; the first d columns of R belong to the first d of X.
function reduceColumns(X, y) {
  const columns = [...X, y].map((column) => Float64Array.from(column));
  const p = X.length;
  const diagonal = triangularise(columns, p);
  const R = columns.slice(0, p).map((column, j) => {
    const top = column.slice(0, j + 1);
    top[j] = diagonal[j];
    return top;
  });
  return { R, c: columns[p].slice(0, p) };
}

// R x = c by substitution.
function substituteBack(R, c) {
  const x = Float64Array.from(c);
  for (let j = R.length - 1; j >= 0; j--) {
    x[j] /= R[j][j];
    for (let i = 0; i < j; i++) x[i] -= R[j][i] * x[j];
  }
  return x;
}

// Minimises ||y - X theta||^2 + sum_j penalties_j theta_j^2 over the first penalties.length columns.
function solveReduced({ R, c }, penalties) {
  const d = penalties.length;
  if (penalties.every((penalty) => penalty === 0)) return substituteBack(R.slice(0, d), c.slice(0, d));
  const stacked = penalties.map((penalty, j) => {
    const column = new Float64Array(2 * d);
    column.set(R[j]);
    column[d + j] = Math.sqrt(penalty);
    return column;
  });
  const right = new Float64Array(2 * d);
  right.set(c.slice(0, d));
  const again = reduceColumns(stacked, right);
  return substituteBack(again.R, again.c);
}

function combine(X, theta) {
  const sum = new Float64Array(X[0].length);
  theta.forEach((t, j) => { for (let i = 0; i < sum.length; i++) sum[i] += t * X[j][i]; });
  return sum;
}
