// The line where a function vanishes, on a square grid: one path, with gaps, of short straight pieces.
function zeroLine(f, [low, high], steps) {
  const at = Array.from({ length: steps + 1 }, (_, i) => low + ((high - low) * i) / steps);
  const values = at.map((y) => at.map((x) => f(x, y)));
  const x = [], y = [];
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < steps; j++) {
      const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
      const crossings = [];
      corners.forEach(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4], u = values[b][a], v = values[d][c];
        if (u > 0 === v > 0) return;
        const t = u / (u - v);
        crossings.push([at[a] + t * (at[c] - at[a]), at[b] + t * (at[d] - at[b])]);
      });
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        x.push(crossings[k][0], crossings[k + 1][0], crossings[k + 1][0]);
        y.push(crossings[k][1], crossings[k + 1][1], NaN);
      }
    }
  }
  return { x, y };
}
