// One plot on a canvas: the band from lowest to highest, the line of the last values, what is read off at the pointer.

import { usual } from "./series.js";
import { ends, ticks, times } from "./scale.js";
import { clock, number } from "./words.js";

const FOOT = 16,
  TOP = 6,
  RIGHT = 4; // px

let colours = null,
  dpr = 1,
  turn = 0;
function paint() {
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(
    ["line", "band", "grid", "quiet", "axis"].map((name) => [name, style.getPropertyValue(`--plot-${name}`)]),
  );
  dpr = Math.min(devicePixelRatio || 1, 3);
}
// Calls `changed` when colours or the screen's pixels have become others.
export function watchColours(changed) {
  paint();
  const again = () => {
    paint();
    turn += 1;
    changed();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("resize", () => {
    if (dpr !== Math.min(devicePixelRatio || 1, 3)) again();
  });
}

// How often colours have changed: what was drawn before has others.
export const turns = () => turn;

// Draws it. size: {width, height} in px; view: {from, to, places, quiet, cursor (px or null)}. Gives the point at the
// cursor, or null.
export function draw(canvas, size, line, view) {
  const { width, height } = size,
    { from, to, places, quiet, cursor } = view;
  if (canvas.width !== Math.round(width * dpr) || canvas.height !== Math.round(height * dpr)) {
    canvas.width = Math.round(width * dpr);
    canvas.height = Math.round(height * dpr);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  const points = line.points(from - 2 * line.step, to);
  const [low, high] = ends(points, places);
  const floor = height - FOOT;
  const { step, found } = ticks(low, high, 3);
  const after = Math.min(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), 6);
  const labels = points.length ? found.map((value) => [value, number(value, after)]) : [];
  const left = Math.ceil(Math.max(24, ...labels.map(([, text]) => pen.measureText(text).width))) + 6;
  const x = (time) => left + ((time - from) / (to - from)) * (width - left - RIGHT);
  const y = (value) => floor - ((value - low) / (high - low)) * (floor - TOP);
  const space = { pen, x, y, left, right: width - RIGHT, floor };
  axes(space, labels, times(from, to, Math.max(2, Math.floor((width - left) / 52))));
  const runs = split(points, usual(points, line.step));
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, width - left, height);
  pen.clip();
  trace(space, runs, quiet ? colours.quiet : colours.line, quiet ? null : colours.band);
  pen.restore();
  return cursor === null ? null : point(space, points, cursor, quiet);
}

function axes({ pen, x, y, left, right, floor }, labels, { step, found }) {
  pen.fillStyle = colours.axis;
  pen.strokeStyle = colours.grid;
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  pen.beginPath();
  for (const [value, text] of labels) {
    const at = Math.round(y(value)) + 0.5;
    pen.moveTo(left, at);
    pen.lineTo(right, at);
    pen.fillText(text, left - 6, at);
  }
  pen.moveTo(left, floor + 0.5);
  pen.lineTo(right, floor + 0.5);
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  const room = step < 60 ? 26 : 16;
  for (const time of found) {
    const at = Math.round(x(time)) + 0.5;
    pen.moveTo(at, floor);
    pen.lineTo(at, floor + 3);
    if (at > left + room && at < right - room) pen.fillText(clock(time, time, step < 60), at, floor + 14);
  }
  pen.stroke();
}

// Points in runs without a gap.
function split(points, most) {
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point.time - run.at(-1).time <= most) run.push(point);
    else runs.push([point]);
  }
  return runs;
}

function trace({ pen, x, y }, runs, line, band) {
  if (band) {
    pen.fillStyle = band;
    pen.beginPath();
    for (const run of runs) {
      run.forEach((p, i) => (i ? pen.lineTo(x(p.time), y(p.high)) : pen.moveTo(x(p.time), y(p.high))));
      for (const p of run.toReversed()) pen.lineTo(x(p.time), y(p.low));
      pen.closePath();
    }
    pen.fill();
  }
  pen.strokeStyle = pen.fillStyle = line;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.beginPath();
  for (const run of runs)
    run.forEach((p, i) => (i ? pen.lineTo(x(p.time), y(p.last)) : pen.moveTo(x(p.time), y(p.last))));
  pen.stroke();
  pen.beginPath();
  const end = runs.at(-1)?.at(-1);
  for (const [p] of runs.filter((run) => run.length === 1)) dot(pen, x(p.time), y(p.last), 1.5);
  if (end) dot(pen, x(end.time), y(end.last), 2.5);
  pen.fill();
}

function dot(pen, x, y, radius) {
  pen.moveTo(x + radius, y);
  pen.arc(x, y, radius, 0, 2 * Math.PI);
}

// Marks the point that is nearest to the cursor, and gives it.
function point({ pen, x, y, floor }, points, cursor, quiet) {
  let nearest = null;
  for (const p of points)
    if (!nearest || Math.abs(x(p.time) - cursor) < Math.abs(x(nearest.time) - cursor)) nearest = p;
  if (!nearest) return null;
  const at = Math.round(x(nearest.time)) + 0.5;
  pen.strokeStyle = colours.axis;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(at, TOP);
  pen.lineTo(at, floor);
  pen.stroke();
  pen.fillStyle = quiet ? colours.quiet : colours.line;
  pen.beginPath();
  dot(pen, x(nearest.time), y(nearest.last), 3.5);
  pen.fill();
  return nearest;
}
