const LEHMER_MODULUS = 2 ** 31 - 1, LEHMER_MULTIPLIER = 48271;

// A stream of standard normal numbers (Box and Muller's, from Lehmer's uniform ones, whose products
// fit into a double): the same for a seed in every browser, and in Python.
function normalStream(seed) {
  let state = seed;
  const uniform = () => { state = (LEHMER_MULTIPLIER * state) % LEHMER_MODULUS; return state / LEHMER_MODULUS; };
  for (let i = 0; i < 10; i++) uniform();
  let spare = null;
  return () => {
    if (spare !== null) { const value = spare; spare = null; return value; }
    const radius = Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function normalVector(stream, count) {
  return Float64Array.from({ length: count }, stream);
}
