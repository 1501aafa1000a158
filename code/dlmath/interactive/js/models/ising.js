// The Ising model on a square lattice with periodic boundaries: spins of +1 and -1, row by row.

const allUp = (size) => new Int8Array(size * size).fill(1);
const atRandom = (size, random) => allUp(size).map(() => (random() < 0.5 ? -1 : 1));

// The neighbours to the right and left, below and above.
function neighboursOf(site, size) {
  const column = site % size, row = site - column, last = size * (size - 1);
  return [
    row + (column + 1) % size,
    row + (column + size - 1) % size,
    column + (row === last ? 0 : row + size),
    column + (row === 0 ? last : row - size),
  ];
}

function latticeEnergy(spins, size) {
  let sum = 0;
  for (let site = 0; site < spins.length; site++) {
    const [right, , below] = neighboursOf(site, size);
    sum -= spins[site] * (spins[right] + spins[below]);
  }
  return sum;
}

const meanSpin = (spins) => spins.reduce((sum, spin) => sum + spin, 0) / spins.length;

// As many proposals as there are spins, each at a random site; gives how many were accepted.
function metropolisSweep(spins, size, temperature, random) {
  let accepted = 0;
  for (let k = 0; k < spins.length; k++) {
    const site = Math.floor(random() * spins.length);
    const field = neighboursOf(site, size).reduce((sum, other) => sum + spins[other], 0);
    if (random() < Math.exp((-2 * spins[site] * field) / temperature)) {
      spins[site] = -spins[site];
      accepted += 1;
    }
  }
  return accepted;
}

// One of Wolff's clusters, flipped as it grows; gives its sites.
function wolffCluster(spins, size, temperature, random) {
  const take = -Math.expm1(-2 / temperature);
  const seed = Math.floor(random() * spins.length), old = spins[seed];
  spins[seed] = -old;
  const cluster = [seed];
  for (let next = 0; next < cluster.length; next++) {
    for (const other of neighboursOf(cluster[next], size)) {
      if (spins[other] === old && random() < take) {
        spins[other] = -old;
        cluster.push(other);
      }
    }
  }
  return cluster;
}

// The classifier: the logistic function of a linear function of the modulus of the magnetisation.
const orderedShare = ([intercept, slope], m) => 1 / (1 + Math.exp(-(intercept + slope * Math.abs(m))));
