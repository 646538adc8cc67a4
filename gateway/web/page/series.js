// A sensor's last hour in buckets, the lowest, highest and last value of each; and its last minute value by value.

const HOUR = 3600; // s
const MINUTE = 75; // s for which single values are kept, and up to which they are shown

// Gives {load, add, points, newest}. Times are s since 1970.
export function series() {
  let step = 5,
    phase = 0,
    room = HOUR / step + 1;
  let stamps, low, high, last;
  let loads = 0; // how often the whole was put in the place of what was there
  let newest = null; // [time, value]
  const recent = []; // the same, of the last MINUTE

  function clear() {
    stamps = new Float64Array(room).fill(NaN);
    low = new Float64Array(room);
    high = new Float64Array(room);
    last = new Float64Array(room);
  }
  clear();

  function begin() {
    clear();
    newest = null;
    recent.length = 0;
  }

  function put(bucket, lowest, highest, latest) {
    const at = ((bucket % room) + room) % room;
    if (stamps[at] === bucket) {
      low[at] = Math.min(low[at], lowest);
      high[at] = Math.max(high[at], highest);
      last[at] = latest;
    } else if (!(stamps[at] > bucket)) {
      stamps[at] = bucket;
      low[at] = lowest;
      high[at] = highest;
      last[at] = latest;
    }
  }

  return {
    // The hour as the gateway has it: /history's answer. What came live since stays.
    load(history) {
      const live = newest;
      newest = null;
      loads += 1;
      step = history.step;
      phase = history.start % step;
      room = Math.ceil(HOUR / step) + 1;
      clear();
      const first = Math.round((history.start - phase) / step);
      history.last.forEach((value, i) => {
        if (value === null) return;
        put(first + i, history.low[i], history.high[i], value);
        newest = [history.start + i * step, value];
      });
      if (live && !(newest?.[0] > live[0])) this.add(...live);
    },

    add(time, value) {
      if (typeof value !== "number" || !Number.isFinite(value)) return;
      if (newest && time < newest[0] - step) begin(); // the gateway's clock was set back
      if (!newest || time >= newest[0]) newest = [time, value];
      if (!(recent.at(-1)?.[0] >= time)) recent.push([time, value]);
      while (recent[0][0] < time - MINUTE) recent.shift();
      put(Math.floor((time - phase) / step), value, value, value);
    },

    get newest() {
      return newest;
    },

    // When its first bucket was, s; infinity where there is none.
    get begins() {
      const first = stamps.reduce((least, one) => (one < least ? one : least), Infinity);
      return first * step + phase;
    },

    get loads() {
      return loads;
    },

    get step() {
      return step;
    },

    // What lies in [from, to], in order: {time, low, high, last}. A bucket's time is its middle, the newest's that of
    // its value. What is no longer than MINUTE is shown value by value, as far back as they are known.
    points(from, to) {
      const found = [];
      const single = to - from <= MINUTE && recent.length ? recent[0][0] : Infinity;
      const until = Math.floor((to - phase) / step);
      for (let bucket = Math.max(Math.ceil((from - phase) / step), until - room + 1); bucket <= until; bucket += 1) {
        const at = ((bucket % room) + room) % room;
        if (stamps[at] !== bucket) continue;
        const begins = phase + bucket * step;
        const newer = newest !== null && newest[0] >= begins && newest[0] < begins + step;
        const time = newer ? Math.min(newest[0], to) : begins + step / 2;
        if (time < single) found.push({ time, low: low[at], high: high[at], last: last[at] });
      }
      if (single < Infinity)
        for (const [time, value] of recent)
          if (time >= from && time <= to) found.push({ time, low: value, high: value, last: value });
      return found;
    },
  };
}

// The longest pause between two of these points that is no gap: three times what is usual, and two steps at least.
export function usual(points, step) {
  const pauses = points
    .slice(1)
    .map((point, i) => point.time - points[i].time)
    .sort((a, b) => a - b);
  return Math.max(2.5 * step, 3 * (pauses[Math.floor(pauses.length / 2)] ?? 0) + step);
}
