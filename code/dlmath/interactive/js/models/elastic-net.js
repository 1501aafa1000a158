// The elastic net from the Gram matrix: G = X^T X / n, b = X^T y / n, yy = ||y||^2 / n.

const inner = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);

// Cost, correlations 2/n x_j^T r, and the duality gap at theta.
function certify({ G, b, yy }, l1, l2, theta) {
  const Gt = G.map((row) => inner(row, theta));
  const correlations = b.map((bj, j) => 2 * (bj - Gt[j]));
  const error = yy - 2 * inner(b, theta) + inner(theta, Gt);
  const norm1 = theta.reduce((sum, t) => sum + Math.abs(t), 0), square = inner(theta, theta);
  // A dual point is the residual, beside it -sqrt(n l2) theta, scaled until no correlation
  // of the two is above l1.
  const largest = Math.max(...correlations.map((cj, j) => Math.abs(cj - 2 * l2 * theta[j])));
  const s = largest > l1 ? l1 / largest : 1;
  const dual = 2 * s * (yy - inner(b, theta)) - s * s * (error + l2 * square);
  return { error, correlations, norm1, gap: error + l1 * norm1 + l2 * square - dual };
}

// Coordinate descent on ||y - X theta||^2 / n + l1 ||theta||_1 + l2 ||theta||^2, until the gap is
// below tol times ||y||^2 / n.
function coordinateDescent(problem, l1, l2, start, tol = 1e-10, limit = 20000) {
  const { G, b, yy } = problem, theta = [...start];
  let sweeps = 0, state = certify(problem, l1, l2, theta);
  while (state.gap > tol * yy && sweeps < limit) {
    for (let j = 0; j < theta.length; j++) {
      const rho = b[j] - inner(G[j], theta) + G[j][j] * theta[j];
      theta[j] = (Math.sign(rho) * Math.max(Math.abs(rho) - l1 / 2, 0)) / (G[j][j] + l2);
    }
    sweeps += 1;
    state = certify(problem, l1, l2, theta);
  }
  return { theta, sweeps, ...state };
}

// Solutions for falling penalties, each begun at the one before.
function elasticNetPath(problem, lambdas, share) {
  let theta = problem.b.map(() => 0);
  return lambdas.map((lambda) => {
    theta = coordinateDescent(problem, (1 - share) * lambda, share * lambda, theta).theta;
    return theta;
  });
}
