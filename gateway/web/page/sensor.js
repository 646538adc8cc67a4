// A sensor's card: name, value, quality, alarm, its last hour, its features. What is not on the screen is not made.

import { facts, make, mark, write } from "./dom.js";
import { draw, turns } from "./plot.js";
import { clock, computed, duration, named, number, plainly, shown, utc } from "./words.js";

const LATE = 15; // s after which a value says how old it is
const STEP = 0.9; // s between two drawings of a plot, which hardly moves in that time
const TELL = 10; // s between two descriptions of a plot for those who hear it

// say(text): for those who hear the page. dirty(card): it wants to be drawn. filled(card): its canvas is there.
export function sensorCard(sensor, { say, dirty, filled }) {
  const value = make("span", { class: "value" }),
    unit = make("span", { class: "unit" });
  const chips = make("p", { class: "chips" });
  const node = make(
    "article",
    { class: "sensor" },
    make(
      "header",
      {},
      make("h3", { title: shown(sensor.name, 1000) }, make("bdi", {}, named(sensor.name))),
      make("p", { class: "now" }, value, " ", unit),
    ),
    chips,
  );
  const card = { node, sensor, seen: false, size: null, show, canvas: null };
  let features = null,
    readout = null,
    cursor = null,
    told = 0,
    chipped = null;
  let drawn = { at: 0, as: null }; // when, and of what span and state

  function fill() {
    card.canvas = make("canvas", { role: "img", tabindex: "0" });
    readout = make("p", { class: "readout", hidden: "", "aria-hidden": "true" });
    const list = make("dl", { class: "features" });
    features = facts(list);
    node.append(make("div", { class: "plot" }, card.canvas, readout), list);
    listen(card.canvas);
    filled(card);
  }

  function listen(canvas) {
    const move = (event) => {
      cursor = event.clientX - canvas.getBoundingClientRect().left;
      dirty(card);
    };
    const leave = () => {
      cursor = null;
      dirty(card);
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerdown", move);
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener("pointercancel", leave);
    canvas.addEventListener("blur", leave);
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1, Escape: 0 }[event.key];
      if (way === undefined) return;
      event.preventDefault();
      cursor = way
        ? Math.min(Math.max((cursor ?? card.size.width) + (way * card.size.width) / 60, 0), card.size.width)
        : null;
      dirty(card);
      requestAnimationFrame(() => {
        if (!readout.hidden) say(readout.textContent);
      });
    });
  }

  // view: {now, from, board (its state), stale}
  function show(view) {
    if (!card.seen && !view.all && chipped !== null) return; // every few seconds is enough for what is read aloud
    const state = view.board === "online" ? (sensor.state ?? "ok") : view.board;
    const quiet = view.stale || state !== "ok";
    mark(node, "data-quiet", quiet ? "" : null);
    write(value, number(sensor.value, sensor.places));
    write(unit, shown(sensor.unit ?? "", 24));
    chip(state, view.now);
    if (!card.seen) return;
    if (!card.canvas) fill();
    const entries = Object.entries(sensor.features);
    features(entries.map(([name, one]) => [plainly(name), computed(one)]));
    paint(view, quiet);
  }

  // What is to be said of the value, in words as well as in colour.
  function chip(state, now) {
    const at = sensor.time ?? sensor.last;
    const age = at === null ? null : now - at;
    const quality = sensor.quality ?? "";
    const late =
      age === null
        ? "no reading yet"
        : state !== "ok" || age > LATE
          ? `last ${clock(at, now)} (${duration(age)} ago)`
          : "";
    const said = [state, sensor.alarm, quality, late, sensor.hardware].join("\n");
    if (said === chipped) return;
    chipped = said;
    chips.replaceChildren(
      ...[
        state === "ok" ? null : make("span", { class: "chip", "data-tone": "quiet" }, plainly(state)),
        sensor.alarm
          ? make(
              "span",
              { class: "chip", "data-tone": "bad" },
              `${sensor.alarm === "below" ? "▼" : "▲"} alarm: ${plainly(sensor.alarm)}`,
            )
          : null,
        quality
          ? make(
              "span",
              { class: "chip", "data-tone": quality === "ok" ? "good" : quality === "warming_up" ? "info" : "warn" },
              plainly(quality),
            )
          : null,
        late ? make("span", { class: "late", title: at === null ? "" : utc(at) }, late) : null,
        sensor.hardware
          ? make(
              "span",
              { class: "late", title: "what the board calls it" },
              make("bdi", {}, shown(sensor.hardware, 40)),
            )
          : null,
      ].filter(Boolean),
    );
  }

  function paint(view, quiet) {
    const { now, from } = view;
    const { width, height } = card.size ?? { width: 0, height: 0 };
    if (width < 40 || height < 40) return; // not laid out yet
    const as = [Math.round(now - from), quiet, width, cursor, sensor.line.loads, card.canvas.width > 0, turns()].join();
    if (as === drawn.as && now - drawn.at < STEP && now >= drawn.at) return;
    drawn = { at: as === drawn.as ? now : now - Math.random() * STEP, as }; // not all cards in one frame
    const at = draw(card.canvas, card.size, sensor.line, { from, to: now, places: sensor.places, quiet, cursor });
    readout.hidden = !at;
    const places = sensor.places;
    if (at) {
      const band = at.high > at.low ? ` (${number(at.low, places)} to ${number(at.high, places)})` : "";
      write(readout, `${clock(at.time, now)}  ${number(at.last, places)}${band} ${shown(sensor.unit ?? "", 24)}`);
      mark(readout, "title", utc(at.time));
    }
    if (now - told < TELL) return;
    told = now;
    const points = sensor.line.points(from, now);
    const ends = points.reduce(
      ([low, high], p) => [Math.min(low, p.low), Math.max(high, p.high)],
      [Infinity, -Infinity],
    );
    const range = points.length
      ? `from ${number(ends[0], places)} to ${number(ends[1], places)} ${shown(sensor.unit ?? "", 24)}`
      : "no values";
    mark(
      card.canvas,
      "aria-label",
      `${named(sensor.name)}, the last ${duration(now - from)}: ${range}. Arrow keys read it off.`,
    );
  }

  return card;
}
