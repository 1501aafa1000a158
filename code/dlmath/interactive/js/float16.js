// Numbers in half precision, sent as base64: see float16_text in _base.py.

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

export function decodeFloat16(text) {
  const bytes = atob(text), numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = half(bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8));
  }
  return numbers;
}

// The same from a buffer, as pack_weights of weights.py writes it.
export function float16Numbers(view) {
  const numbers = new Float32Array(view.byteLength / 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = half(view.getUint16(2 * i, true));
  return numbers;
}
