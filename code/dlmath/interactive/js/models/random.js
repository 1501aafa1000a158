// Doty-Humphrey's small fast counter (sfc32), warmed up: uniform numbers below 1.
function randomStream(seed) {
  let a = 0x9e3779b9 | 0, b = 0x243f6a88 | 0, c = seed | 0, d = 1;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

// Normal numbers by Box and Muller's transformation, from uniform ones.
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
