import { leastSquares, matmul, transpose } from "../linalg.js";
import { chiSquaredTail } from "../special.js";

function powers(t, degree) {
  return Array.from({ length: degree + 1 }, (_, j) => t ** j);
}

// Column j holds the coefficients in x of ((x - centre) / half)^j.
function toMonomials(degree, centre, half) {
  const T = Array.from({ length: degree + 1 }, () => new Array(degree + 1).fill(0));
  for (let j = 0; j <= degree; j++) {
    let binomial = 1;
    for (let k = 0; k <= j; k++) {
      T[k][j] = (binomial * (-centre) ** (j - k)) / half ** j;
      binomial *= (j - k) / (k + 1);
    }
  }
  return T;
}

// Weighted (1/sigma^2) or equally weighted least squares; sigma are the known errors in both.
function polyfit(x, y, sigma, degree, weighted) {
  const low = Math.min(...x), high = Math.max(...x);
  const centre = (low + high) / 2, half = (high - low) / 2 || 1;
  const basis = (at) => powers((at - centre) / half, degree);
  const scale = sigma.map((s) => (weighted ? s : 1));
  const A = x.map((xi, i) => basis(xi).map((value) => value / scale[i]));
  const solution = leastSquares(A, y.map((yi, i) => yi / scale[i]));
  if (solution === null) return null;
  const { theta, inverse } = solution;
  const hat = matmul(inverse, transpose(A)).map((row) => row.map((g, i) => (g * sigma[i]) / scale[i]));
  const covariance = matmul(hat, transpose(hat));
  const predict = (at) => {
    const b = basis(at);
    const variance = b.reduce((sum, bi, i) => sum + bi * b.reduce((s, bj, j) => s + covariance[i][j] * bj, 0), 0);
    return { mean: b.reduce((sum, bi, i) => sum + bi * theta[i], 0), error: Math.sqrt(Math.max(variance, 0)) };
  };
  const chi2 = x.reduce((sum, xi, i) => sum + ((y[i] - predict(xi).mean) / sigma[i]) ** 2, 0);
  const dof = x.length - degree - 1;
  const T = toMonomials(degree, centre, half);
  const inX = matmul(matmul(T, covariance), transpose(T));
  return {
    chi2,
    dof,
    // Away from the minimum chi^2 does not follow the chi^2 distribution.
    pValue: weighted && dof > 0 ? chiSquaredTail(chi2, dof) : null,
    theta: matmul(T, theta.map((value) => [value])).map(([value]) => value),
    errors: inX.map((row, i) => Math.sqrt(Math.max(row[i], 0))),
    predict,
  };
}
