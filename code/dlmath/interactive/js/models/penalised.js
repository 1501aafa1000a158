const SIGNS = [-1, 0, 1].flatMap((s) => [-1, 0, 1].map((t) => [s, t]));

// (theta - m)^T A (theta - m) for A = [[1, c], [c, 1]]: the cost of two features of unit variance
// and correlation c, above its minimum.
function excess([x, y], m, c) {
  const u = x - m[0], v = y - m[1];
  return u * u + 2 * c * u * v + v * v;
}

function penalty([x, y], l1, l2) {
  return l1 * (Math.abs(x) + Math.abs(y)) + l2 * (x * x + y * y);
}

// The stationary point with given signs, or null if it has others.
function stationary([s, t], [p, q], c, l1, l2) {
  const a = 1 + l2, f = p - (s * l1) / 2, g = q - (t * l1) / 2, d = a * a - c * c;
  const x = s && (t ? (a * f - c * g) / d : f / a), y = t && (s ? (a * g - c * f) / d : g / a);
  return x * s < 0 || y * t < 0 ? null : [x, y];
}

// The minimiser of excess + l1 ||theta||_1 + l2 ||theta||^2, exactly: the best of the nine
// stationary points, one for each pair of signs.
function penalised(m, c, l1, l2) {
  const b = [m[0] + c * m[1], c * m[0] + m[1]];
  const cost = (theta) => excess(theta, m, c) + penalty(theta, l1, l2);
  const found = SIGNS.map((signs) => stationary(signs, b, c, l1, l2)).filter((theta) => theta !== null);
  return found.reduce((best, theta) => (cost(theta) < cost(best) ? theta : best));
}

// The minimiser of excess in the ball w1 ||theta||_1 + w2 ||theta||^2 <= w1 rho + w2 rho^2, which
// meets the axes at rho; lambda is the multiplier, found by bisection.
function constrained(m, c, [w1, w2], rho) {
  const size = w1 * rho + w2 * rho * rho;
  if (penalty(m, w1, w2) <= size) return { theta: m, lambda: 0, idle: true };
  let low = 0, high = (2 * Math.hypot(m[0] + c * m[1], c * m[0] + m[1])) / (w2 ? rho : 1);
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (penalty(penalised(m, c, w1 * middle, w2 * middle), w1, w2) > size) low = middle;
    else high = middle;
  }
  return { theta: penalised(m, c, w1 * high, w2 * high), lambda: high, idle: false };
}

// The radius of the ball on whose boundary theta lies.
function radiusOf(theta, [w1, w2]) {
  const size = penalty(theta, w1, w2);
  return w2 ? (Math.sqrt(w1 * w1 + 4 * w2 * size) - w1) / (2 * w2) : size / w1;
}
