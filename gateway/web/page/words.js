// How numbers, times and texts from outside are written: alike in every locale, with nothing that cannot be seen.

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const THIN = "\u202f";

// Text with an escape for each character that cannot be seen (controls, bidi marks, halves of a pair); cut at `most`.
export function shown(text, most = 120) {
  const whole = String(text);
  let cut = whole.slice(0, most + 1);
  if (whole.length > most) cut = cut.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "");
  const safe = cut.replace(UNPRINTABLE, (c) => {
    const code = c.codePointAt(0);
    if (code < 0x100) return "\\x" + code.toString(16).padStart(2, "0");
    return code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0") : "\\u{" + code.toString(16) + "}";
  });
  return whole.length > most ? safe + "…" : safe.trim() ? safe : safe.replaceAll(" ", "␣");
}

// A name as text; a board may give a sensor one that is empty.
export const named = (name) => shown(name) || "(no name)";

// A word of the documents as one reads it: wrong_columns -> wrong columns.
export const plainly = (word) => shown(word).replaceAll("_", " ");

// How many decimals a value has that mean something, at most 4.
export function decimals(value) {
  const [, after = ""] = String(Number(value.toPrecision(7))).split(".");
  return after.includes("e") ? 0 : Math.min(after.length, 4);
}

// A measured value; null where there is none.
export function number(value, places = decimals(value ?? 0)) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e9 || size < 1e-4) ? value.toExponential(3) : value.toFixed(places);
}

// A computed value: five digits.
export function computed(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return value.toExponential(3);
  return value.toFixed(size >= 10000 ? 0 : size >= 1000 ? 1 : size >= 100 ? 2 : size >= 10 ? 3 : 4);
}

// A count in groups of three.
export const count = (n) => String(n ?? 0).replace(/\B(?=(\d{3})+$)/g, THIN);

export function bytes(n) {
  let rest = n ?? 0,
    unit = 0;
  while (rest >= 1000 && unit < 4) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit && rest < 100 ? rest.toFixed(1) : Math.round(rest)} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

export function share(part, whole) {
  if (!whole || !part) return "0 %";
  const percent = (100 * part) / whole;
  return percent < 0.01 ? "< 0.01 %" : `${percent.toFixed(percent < 1 ? 2 : percent < 10 ? 1 : 0)} %`;
}

// How long, of seconds: its two largest units.
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

const two = (n) => String(n).padStart(2, "0");

// Times are s since 1970. The clock on the wall here; with the day where that is not today's (`now`, s).
export function clock(time, now = time, seconds = true) {
  const at = new Date(time * 1000),
    today = new Date(now * 1000);
  if (Number.isNaN(at.getTime())) return "–";
  const hours = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? ":" + two(at.getSeconds()) : ""}`;
  if (at.toDateString() === today.toDateString()) return hours;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${hours}`;
}

export function utc(time) {
  const at = new Date(time * 1000);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

// "…Z" -> s since 1970; null where it is none.
export function instant(text) {
  const at = typeof text === "string" ? Date.parse(text) / 1000 : NaN;
  return Number.isNaN(at) ? null : at;
}

// All of some counts by name.
export const total = (counts) => Object.values(counts ?? {}).reduce((sum, n) => sum + n, 0);
