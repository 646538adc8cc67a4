// Boards: a section each with its link, its faults, its sensors' cards and its last refused lines.

import { facts, make, mark, tellMoment, write } from "./dom.js";
import { faultItems } from "./gateway.js";
import { showRefused } from "./refused.js";
import { sensorCard } from "./sensor.js";
import { count, duration, instant, plainly, share, shown, total } from "./words.js";

// Counts that are shown where they are not 0.
const SOMETIMES = ["line_errors", "silences", "dtr_pulses", "retuned", "count_gaps", "restarts"];

// What is known of a board's link, as pairs for facts().
export function link(d) {
  const refused = total(d.refused),
    values = total(d.refused_values),
    dropped = total(d.dropped);
  const reasons = (counts) =>
    Object.entries(counts ?? {})
      .map(([why, n]) => `${plainly(why)} ${count(n)}`)
      .join(", ");
  return [
    ["port", shown(d.port ?? "–", 200), null, shown(d.port ?? "", 1000)],
    ["baud", d.baud === null || d.baud === undefined ? "not known yet" : String(d.baud)],
    ["format", shown(d.format ?? "–")],
    ["frames", count(d.frames)],
    ["refused", refused ? `${share(refused, d.frames)} (${reasons(d.refused)})` : "0 %", refused ? "warn" : "zero"],
    values ? ["refused values", `${share(values, d.values)} (${reasons(d.refused_values)})`, "warn"] : null,
    dropped ? ["dropped", reasons(d.dropped), "bad"] : null,
    ["reopened", count(d.reopened), d.reopened ? "warn" : "zero"],
    ["overruns", count(d.overruns), d.overruns ? "warn" : "zero"],
    ...SOMETIMES.filter((name) => d[name]).map((name) => [plainly(name), count(d[name]), "warn"]),
  ].filter(Boolean);
}

// The section of one board. place: store.js; number: what its anchor is called by.
export function boardView(place, number, tools) {
  const { dirtyBoard, watch, unwatch } = tools;
  const anchor = `board-${number}`;
  const name = make("h2", { id: `${anchor}-name`, title: shown(place.name, 1000) }, make("bdi", {}, shown(place.name)));
  const state = make("span", { class: "pill" });
  const at = make("time");
  const age = make("span");
  const since = make("span", { class: "since" }, "since ", at, age);
  const capture = make("a", { class: "button", href: address(place.name), download: "" }, "Capture");
  capture.hidden = /^\.{1,2}$/.test(place.name); // what no address can end with
  capture.title = "The newest bytes of this board, as gateway replay reads them";
  const head = make("header", {}, name, state, since, capture);
  const reason = make("p", { class: "reason" });
  const faults = make("ul", { class: "faults" });
  const list = make("dl", { class: "facts link" });
  const showLink = facts(list);
  const grid = make("div", { class: "sensors" });
  const many = make("summary");
  const lines = make("ol", { class: "lines" });
  const refused = make("details", { class: "more", hidden: "" }, many, lines);
  const attributes = { class: "board", id: anchor, "aria-labelledby": name.id, tabindex: "-1" };
  const node = make("section", attributes, head, reason, faults, list, grid, refused);
  const cards = new Map();
  let said = ""; // of faults
  let shownLines = null;
  refused.addEventListener("toggle", () => {
    shownLines = null;
    dirtyBoard(place.name);
  });

  function sensors() {
    for (const [name, card] of cards) {
      if (place.sensors.get(name) === card.sensor) continue;
      unwatch(card);
      card.node.remove();
      cards.delete(name);
    }
    for (const sensor of place.sensors.values()) {
      if (cards.has(sensor.name)) continue;
      const card = sensorCard(sensor, tools);
      cards.set(sensor.name, card);
      grid.append(card.node);
      watch(card);
    }
  }

  // As it is now.
  function show(now) {
    const d = place.document ?? {};
    const began = instant(d.since);
    mark(node, "data-state", d.state ?? "unknown");
    mark(state, "data-state", d.state ?? "unknown");
    write(state, shown(d.state ?? "unknown"));
    since.hidden = began === null;
    if (began !== null) tellMoment(at, began, now);
    write(age, ` (${duration(now - began)})`);
    const texts = Object.values(d.faults ?? {}).map((fault) => fault.text);
    write(reason, d.reason && !texts.includes(d.reason) ? shown(d.reason, 600) : "");
    const present = JSON.stringify(d.faults ?? {});
    if (present !== said) {
      said = present;
      faults.replaceChildren(...faultItems(d.faults, now));
    }
    showLink(place.document ? link(d) : []);
    if (place.changed) {
      place.changed = false;
      sensors();
    }
    refused.hidden = !place.refused.length;
    write(
      many,
      place.refused.length === 1
        ? "The last refused line, in hex and text"
        : `The last ${place.refused.length} refused lines, in hex and text`,
    );
    if (refused.open && shownLines !== place.refused) {
      shownLines = place.refused;
      showRefused(lines, place.refused, now);
    }
  }

  return { node, cards, place, show };
}

// Where a board's capture is; halves of a surrogate pair cannot be part of an address.
function address(name) {
  const whole = name.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
  return `capture/${encodeURIComponent(whole)}`;
}
