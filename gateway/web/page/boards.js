// Boards: a section each with its link, its faults, its sensors' cards and its last refused lines.

import { facts, make, mark, moment, write } from "./dom.js";
import { faultItems } from "./gateway.js";
import { showRefused } from "./refused.js";
import { sensorCard } from "./sensor.js";
import { count, duration, instant, plainly, share, shown } from "./words.js";

const total = (counts) => Object.values(counts ?? {}).reduce((sum, n) => sum + n, 0);
const SOMETIMES = ["overruns", "line_errors", "silences", "dtr_pulses", "retuned", "count_gaps", "restarts"];

// What is known of a board's link, as pairs for facts(). Exact counts are there where they are not 0.
export function link(d) {
  const refused = total(d.refused),
    values = total(d.refused_values),
    dropped = total(d.dropped);
  const reasons = (counts) =>
    Object.entries(counts ?? {})
      .map(([why, n]) => `${plainly(why)} ${count(n)}`)
      .join(", ");
  return [
    ["port", [make("bdi", {}, shown(d.port ?? "–", 200))], null, shown(d.port ?? "", 1000)],
    ["baud", d.baud === null || d.baud === undefined ? "not known yet" : String(d.baud)],
    ["format", shown(d.format ?? "–")],
    ["frames", count(d.frames)],
    ["refused", refused ? `${share(refused, d.frames)} (${reasons(d.refused)})` : "0 %", refused ? "warn" : "zero"],
    values ? ["refused values", `${share(values, d.values)} (${reasons(d.refused_values)})`, "warn"] : null,
    dropped ? ["dropped", reasons(d.dropped), "bad"] : null,
    ["reopened", count(d.reopened), d.reopened ? "warn" : "zero"],
    ...SOMETIMES.map((name) => [plainly(name), count(d[name]), d[name] ? "warn" : "zero"]).filter(
      ([, , tone], i) => i < 2 || tone === "warn",
    ),
  ].filter(Boolean);
}

// The section of one board. place: store.js; number: what its anchor is called by.
export function boardView(place, number, tools) {
  const { dirty, watch, unwatch } = tools;
  const state = make("span", { class: "pill" }),
    since = make("span", { class: "since" });
  const reason = make("p", { class: "reason" }),
    faults = make("ul", { class: "faults" });
  const list = make("dl", { class: "facts link" }),
    showLink = facts(list);
  const grid = make("div", { class: "sensors" });
  const lines = make("ol", { class: "lines" }),
    many = make("span"),
    refused = make("details", { class: "more", hidden: "" }, make("summary", {}, many), lines);
  const capture = make(
    "a",
    { class: "button", href: `capture/${encodeURIComponent(wellFormed(place.name))}`, download: "" },
    "Capture",
  );
  capture.title = "The newest bytes of this board, as gateway replay reads them";
  const node = make(
    "section",
    { class: "board", id: `board-${number}`, "aria-labelledby": `board-${number}-name`, tabindex: "-1" },
    make(
      "header",
      {},
      make("h2", { id: `board-${number}-name`, title: shown(place.name, 1000) }, make("bdi", {}, shown(place.name))),
      state,
      since,
      capture,
    ),
    reason,
    faults,
    list,
    grid,
    refused,
  );
  const cards = new Map();
  let said = "",
    shownLines = null;
  refused.addEventListener("toggle", () => {
    shownLines = null;
    dirty(null, place);
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

  // As it is now; gives nothing.
  function show(now) {
    const d = place.document ?? {};
    const at = instant(d.since);
    mark(node, "data-state", d.state ?? "unknown");
    mark(state, "data-state", d.state ?? "unknown");
    write(state, shown(d.state ?? "unknown"));
    since.replaceChildren(...(at === null ? [] : ["since ", moment(at, now), ` (${duration(now - at)})`]));
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

// A name that can be part of an address: halves of a surrogate pair are replaced.
function wellFormed(name) {
  return name.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
