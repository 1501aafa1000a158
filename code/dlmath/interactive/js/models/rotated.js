// Linear models in the basis of the singular vectors of the design matrix: each direction j has
// a singular value d_j, the component u_j^T y of the data, and a filter factor.
const total = (terms) => terms.reduce((sum, term) => sum + term, 0);
const rms = (values) => Math.sqrt(total(values.map((v) => v * v)) / values.length);
const spaced = (low, high, count) => Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
const spacedLog = (low, high, count) => spaced(Math.log(low), Math.log(high), count).map(Math.exp);

function ridgeFactors(d, nLambda) {
  return d.map((dj) => (dj * dj) / (dj * dj + nLambda));
}

// theta = sum_j f_j (u_j^T y / d_j) v_j; the rows of V belong to the coefficients.
function filtered(factors, { d, uy, V }) {
  const weights = factors.map((f, j) => (f * uy[j]) / d[j]);
  return V.map((row) => total(row.map((v, j) => v * weights[j])));
}

// The polynomials of degree 0 to `degree` at one t.
function polynomials(t, degree, basis) {
  const row = [1, t];
  const twice = basis === "chebyshev";
  for (let j = 2; j <= degree; j++) row.push(twice ? 2 * t * row[j - 1] - row[j - 2] : t * row[j - 1]);
  return row;
}

// The curve with these coefficients: features are centred as they were in the fit.
function polynomialCurve(theta, { centre, mean }, { basis, interval: [low, high] }) {
  return (at) => {
    const row = polynomials((2 * at - low - high) / (high - low), theta.length - 1, basis);
    return mean + total(theta.map((value, j) => value * (row[j] - centre[j])));
  };
}
