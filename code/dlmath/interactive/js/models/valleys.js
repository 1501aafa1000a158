// Two famous costs of two parameters, with gradients: Rosenbrock's valley, whose Hessian each user
// adds, and Himmelblau's function, which has four minima of equal depth.

const rosenbrock = {
  f: ([x, y]) => 100 * (y - x * x) ** 2 + (1 - x) ** 2,
  g: ([x, y]) => [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)],
};

const himmelblau = {
  f: ([x, y]) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
  g: ([x, y]) => [4 * x * (x * x + y - 11) + 2 * (x + y * y - 7), 2 * (x * x + y - 11) + 4 * y * (x + y * y - 7)],
  h: ([x, y]) => [[12 * x * x + 4 * y - 42, 4 * (x + y)], [4 * (x + y), 12 * y * y + 4 * x - 26]],
};
