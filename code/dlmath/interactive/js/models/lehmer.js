const LEHMER_MODULUS = 2 ** 31 - 1, LEHMER_MULTIPLIER = 48271;

// A stream of uniform numbers between 0 and 1 (Lehmer's, whose products fit into a double): the
// same for a seed in every browser, and in Python.
function uniformStream(seed = 1) {
  let state = seed;
  return () => { state = (LEHMER_MULTIPLIER * state) % LEHMER_MODULUS; return state / LEHMER_MODULUS; };
}

// One standard normal number from two uniform ones (Box and Muller's).
function normalFrom(uniform) {
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

// A stream of standard normal numbers, two from each pair of uniform ones.
function normalStream(seed) {
  const uniform = uniformStream(seed);
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
