// Axes: round numbers between two ends, and the ends themselves.

// Round steps of 1, 2 or 5 · 10ⁿ, at most `most` of them in [low, high].
export function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= rough) ?? 10 * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && found.length <= most; i += 1)
    found.push(i * step);
  return { step, found };
}

// Times that are round on the clock here, at most about `most` of them in [from, to], s.
export function times(from, to, most) {
  const step = [5, 10, 20, 30, 60, 120, 300, 600, 900, 1800].find((s) => (to - from) / s <= most) ?? 3600;
  const shift = new Date(to * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) found.push(at);
  return { step, found };
}

// The lowest and highest of points with air around them; never so near that the last digit of a value fills the plot.
export function ends(points, places) {
  let low = Infinity,
    high = -Infinity;
  for (const point of points) {
    low = Math.min(low, point.low);
    high = Math.max(high, point.high);
  }
  if (low > high) return [0, 1];
  const least = Math.max(5 * 10 ** -places, Math.max(Math.abs(low), Math.abs(high)) * 1e-6);
  const air = Math.max((high - low) * 0.08, (least - (high - low)) / 2);
  return [low - air, high + air];
}
