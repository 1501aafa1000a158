// The names of the curves in one line above a panel, from its right upper corner (x, y).
function keys(names, x, y) {
  let dx = 0;
  return [...names].reverse().map(([text, color]) => {
    const label = { type: "text", x, y, dx, dy: -11, anchor: "end", text, color };
    dx -= 5.4 * text.length + 14;
    return label;
  });
}
