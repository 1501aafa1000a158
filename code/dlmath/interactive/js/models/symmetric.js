// Eigenvalues and the first unit vector of a symmetric matrix [a, b, c], the larger one first.
function principal([a, b, c]) {
  const middle = (a + c) / 2, half = Math.hypot((a - c) / 2, b), angle = Math.atan2(2 * b, a - c) / 2;
  return { values: [middle + half, middle - half], axis: [Math.cos(angle), Math.sin(angle)] };
}
