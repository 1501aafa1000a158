// Matrices are arrays of rows.

// Householder reflections: R stands in the upper triangle, c = Q^T b.
function householder(A, b) {
  const n = A.length, p = A[0].length;
  const R = A.map((row) => [...row]), c = [...b];
  for (let k = 0; k < Math.min(p, n - 1); k++) {
    const norm = Math.hypot(...R.slice(k).map((row) => row[k]));
    if (norm === 0) continue;
    const v = R.slice(k).map((row) => row[k]);
    v[0] += v[0] > 0 ? norm : -norm;
    const vv = v.reduce((sum, vi) => sum + vi * vi, 0);
    for (let j = k; j <= p; j++) {
      const at = (i) => (j < p ? R[k + i][j] : c[k + i]);
      const s = (2 / vv) * v.reduce((sum, vi, i) => sum + vi * at(i), 0);
      v.forEach((vi, i) => { if (j < p) R[k + i][j] -= s * vi; else c[k + i] -= s * vi; });
    }
  }
  return { R, c };
}

function solveUpper(R, c, p) {
  const x = new Array(p).fill(0);
  for (let i = p - 1; i >= 0; i--) {
    let sum = c[i];
    for (let j = i + 1; j < p; j++) sum -= R[i][j] * x[j];
    x[i] = sum / R[i][i];
  }
  return x;
}

function matmul(A, B) {
  return A.map((row) => B[0].map((_, j) => row.reduce((sum, a, k) => sum + a * B[k][j], 0)));
}

function transpose(A) {
  return A[0].map((_, j) => A.map((row) => row[j]));
}

// Minimises ||A theta - b||; inverse is (A^T A)^{-1}. Gives null when A has not full column rank.
function leastSquares(A, b) {
  const p = A[0].length;
  if (A.length < p) return null;
  const { R, c } = householder(A, b);
  const diagonal = R.slice(0, p).map((row, i) => Math.abs(row[i]));
  if (!(Math.min(...diagonal) > 1e-12 * Math.max(...diagonal))) return null;
  const columns = diagonal.map((_, j) => solveUpper(R, diagonal.map((_, i) => Number(i === j)), p));
  const rInverse = transpose(columns);
  return { theta: solveUpper(R, c, p), inverse: matmul(rInverse, columns) };
}
