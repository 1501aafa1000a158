// Keeps a record, lists of equal length by name, short: when it is full, every second entry goes.
function thinned(record, kept) {
  if (Object.values(record)[0].length < kept) return record;
  return Object.fromEntries(Object.entries(record).map(([name, values]) => [name, values.filter((_, i) => i % 2 === 0)]));
}
