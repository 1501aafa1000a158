import { leastSquares } from "../linalg.js";

// A straight line by least squares, its errors from the scatter about it (n - 2 in the variance).
function lineFit(x, y) {
  const n = x.length;
  if (n < 3) return null;
  const mean = x.reduce((sum, xi) => sum + xi, 0) / n;
  const solution = leastSquares(x.map((xi) => [1, xi - mean]), y);
  if (solution === null) return null;
  const [level, slope] = solution.theta;
  const squared = y.reduce((sum, yi, i) => sum + (yi - level - slope * (x[i] - mean)) ** 2, 0);
  const variance = squared / (n - 2);
  const slopeVariance = variance * solution.inverse[1][1];
  return {
    slope,
    intercept: level - slope * mean,
    slopeError: Math.sqrt(slopeVariance),
    interceptError: Math.sqrt(variance / n + mean * mean * slopeVariance),
    rms: Math.sqrt(squared / n),
  };
}
