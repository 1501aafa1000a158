// Images are arrays of rows. Row i, column j of an image beyond its boundary: the other side of a
// torus, or zero.
function cellAt(image, i, j, circular) {
  const rows = image.length, columns = image[0].length;
  if (circular) return image[(i + rows) % rows][(j + columns) % columns];
  return i < 0 || j < 0 || i >= rows || j >= columns ? 0 : image[i][j];
}

// What libraries call a convolution: the kernel, nine numbers row by row, is not turned round.
function correlateImage(image, kernel, circular) {
  return image.map((row, i) => row.map((_, j) => {
    let sum = 0;
    for (let u = 0; u < 3; u++) for (let v = 0; v < 3; v++) sum += kernel[3 * u + v] * cellAt(image, i + u - 1, j + v - 1, circular);
    return sum;
  }));
}

// Moved down and to the right on a torus.
function shiftImage(image, down, right) {
  const rows = image.length, columns = image[0].length;
  return image.map((row, i) => row.map((_, j) => image[(i - down + rows) % rows][(j - right + columns) % columns]));
}

const rootSum = (image) => Math.sqrt(image.flat().reduce((sum, value) => sum + value * value, 0));

// The kernel of the shifted image beside the shift of the kernel's image, and how far they differ.
function editKernel({ kernel, shift: [down, right], circular }, image) {
  const input = shiftImage(image, down, right);
  const output = correlateImage(input, kernel, circular);
  const moved = shiftImage(correlateImage(image, kernel, circular), down, right);
  const difference = output.map((row, i) => row.map((value, j) => value - moved[i][j]));
  const size = rootSum(moved);
  return {
    input, output, difference,
    largest: Math.max(...moved.flat().map(Math.abs), ...output.flat().map(Math.abs)),
    mean: output.flat().reduce((sum, value) => sum + value, 0) / output.flat().length,
    sum: kernel.reduce((sum, value) => sum + value, 0),
    error: size === 0 ? 0 : rootSum(difference) / size,
  };
}

const sameKernel = (a, b) => a.every((value, i) => Math.abs(value - b[i]) < 1e-12);
