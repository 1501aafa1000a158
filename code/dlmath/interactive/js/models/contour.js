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

// A function on a square grid.
function sampled(f, [low, high], steps) {
  const at = Array.from({ length: steps + 1 }, (_, i) => low + ((high - low) * i) / steps);
  return { at, values: at.map((y) => at.map((x) => f(x, y))) };
}

// The part of a cell in which the function, linear along its edges, exceeds the level.
function clipped(corners, level) {
  return corners.flatMap(([x, y, u], k) => {
    const [p, q, v] = corners[(k + 1) % 4], here = u > level ? [[x, y]] : [];
    if (u > level === v > level) return here;
    const t = (level - u) / (v - u);
    return [...here, [x + t * (p - x), y + t * (q - y)]];
  });
}

// Where a sampled function exceeds a level: polygons with gaps; full cells of a row are one.
function regionAbove({ at, values }, level) {
  const x = [], y = [];
  const add = (polygon) => {
    if (polygon.length === 0) return;
    for (const [a, b] of [...polygon, polygon[0]]) { x.push(a); y.push(b); }
    x.push(NaN);
    y.push(NaN);
  };
  for (let i = 0; i + 1 < at.length; i++) {
    let run = null;
    const flush = (end) => {
      if (run !== null) add([[at[run], at[i]], [at[end], at[i]], [at[end], at[i + 1]], [at[run], at[i + 1]]]);
      run = null;
    };
    for (let j = 0; j + 1 < at.length; j++) {
      const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]].map(([a, b]) => [at[a], at[b], values[b][a]]);
      if (corners.every(([, , value]) => value > level)) {
        run ??= j;
        continue;
      }
      flush(j);
      add(clipped(corners, level));
    }
    flush(at.length - 1);
  }
  return { x, y };
}
