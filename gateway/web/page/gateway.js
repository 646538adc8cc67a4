// The gateway itself: its name and state, its faults, and a tile each for boards, broker, spool, workers and ledger.

import { facts, id, make, mark, moment, write } from "./dom.js";
import { bytes, clock, count, duration, instant, plainly, shown, total } from "./words.js";


// Faults as list entries: what, since when, and the sentence.
export function faultItems(faults, now) {
  return Object.entries(faults ?? {}).map(([name, fault]) => {
    const since = instant(fault.since);
    return make(
      "li",
      {},
      make("strong", {}, plainly(name)),
      " ",
      make("span", { class: "sentence" }, make("bdi", {}, shown(fault.text || "", 600))),
      " ",
      make(
        "small",
        {},
        ...(since === null ? [] : ["since ", moment(since, now)]),
        fault.count > 1 ? `, ${count(fault.count)} times` : "",
      ),
    );
  });
}

// Readings a second between two documents; null where that is not known.
export function pace(before, after) {
  const seconds = (instant(after?.time) ?? NaN) - (instant(before?.time) ?? NaN);
  return seconds > 0.5 ? Math.max(0, (after.readings - before.readings) / seconds) : null;
}

function boardsTile({ boards = {} }, rate) {
  const all = total(boards),
    off = all - (boards.online ?? 0);
  const others = ["silent", "offline", "lent"]
    .filter((state) => boards[state])
    .map((state) => `${boards[state]} ${state}`);
  return {
    head: `${boards.online ?? 0} of ${all} online`,
    tone: off ? "warn" : "good",
    lines: [
      others.join(", ") || "none is silent",
      rate === null ? "" : `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} readings/s`,
    ],
  };
}

function brokerTile({ broker = {} }) {
  const said = ["reason", "refusing", "lacking", "stalled", "embedded"].map((name) => broker[name]).filter(Boolean);
  return {
    head: broker.connected ? "connected" : "not connected",
    tone: broker.connected ? (said.length ? "warn" : "good") : "bad",
    lines: [
      broker.url ? shown(broker.url) : "",
      broker.reconnects === 1 ? "1 reconnect" : `${count(broker.reconnects)} reconnects`,
      ...said.map((text) => shown(text, 300)),
    ],
  };
}

function spoolTile({ spool = {}, spooled }, now) {
  const oldest = instant(spool.oldest),
    hours = spool.hours_left;
  const said = [spool.trouble, spool.damage].filter(Boolean).map((text) => shown(text, 300));
  return {
    head: spooled ? `${count(spooled)} readings wait` : "nothing waits",
    tone: said.length || total(spool.dropped) ? "bad" : spooled ? "warn" : "good",
    lines: [
      bytes(spool.bytes) + " on disk",
      typeof hours === "number" ? `${duration(hours * 3600)} left at this rate` : "hours left: not known yet",
      oldest === null ? "" : `oldest ${clock(oldest, now)}`,
      ...said,
    ],
  };
}

function poolTile({ pool = {} }) {
  const cluster = pool.cluster;
  const said = [pool.trouble, pool.reason, cluster?.reason].filter(Boolean).map((text) => shown(text, 300));
  const quarantined = pool.quarantined ?? [];
  return {
    head: `${count(pool.workers)} ${pool.workers === 1 ? "worker" : "workers"}`,
    tone: pool.workers ? (said.length || quarantined.length ? "warn" : "good") : "bad",
    lines: [
      `${count(pool.batches)} batches`,
      `${count(pool.retried)} retried, ${count(pool.replaced)} replaced`,
      cluster ? `cluster ${shown(cluster.state)}, ${count(cluster.workers)} workers, ${count(cluster.batches)} batches` : "",
      quarantined.length ? "in quarantine: " + quarantined.map((name) => shown(name)).join(", ") : "",
      ...said,
    ],
  };
}

function ledgerTile(gateway) {
  const lost = total(gateway.dropped);
  return {
    head: gateway.balanced ? "balanced" : "not balanced",
    tone: gateway.balanced ? (lost ? "warn" : "good") : "bad",
    lines: [
      `${count(gateway.readings)} readings`,
      `${count(gateway.acknowledged + (gateway.sent_unacknowledged ?? 0))} sent`,
      lost ? `${count(lost)} dropped` : "none dropped",
    ],
  };
}

const TILES = [
  ["Boards", boardsTile],
  ["Broker", brokerTile],
  ["Spool", spoolTile],
  ["Workers", poolTile],
  ["Ledger", ledgerTile],
];

// A sum of the ledger: [name, number] = the others.
function sum(left, right) {
  const side = (parts) =>
    parts.flatMap(([name, n], i) => [i ? " + " : "", make("span", {}, make("b", {}, count(n)), " ", name)]);
  return make("p", { class: "sum" }, ...side(left), " = ", ...side(right));
}

const counts = (of) =>
  Object.entries(of ?? {})
    .map(([name, n]) => `${plainly(name)} ${count(n)}`)
    .join(", ") || "none";

function books(g) {
  const refused = total(g.refused),
    values = total(g.refused_values),
    dropped = total(g.dropped);
  const list = make("dl", { class: "facts" });
  facts(list)([
    ["Refused lines", counts(g.refused)],
    ["Refused values", counts(g.refused_values)],
    ["Dropped", counts(g.dropped)],
    ["Dropped by the spool, all runs", counts(g.spool?.dropped)],
    ["Faults since the start", counts(g.fault_totals)],
  ]);
  return [
    sum(
      [["frames", g.frames]],
      [
        ["decoded", g.decoded],
        ["noise", g.noise],
        ["refused", refused],
      ],
    ),
    sum(
      [["values", g.values]],
      [
        ["readings", g.readings],
        ["refused", values],
      ],
    ),
    sum(
      [
        ["readings", g.readings],
        ["inherited", g.inherited],
      ],
      [
        ["acknowledged", g.acknowledged],
        ["sent unacknowledged", g.sent_unacknowledged],
        ["in flight", g.in_flight],
        ["spooled", g.spooled],
        ["condensed", g.condensed],
        ["dropped", dropped],
      ],
    ),
    list,
  ];
}

// Gives a function that shows known.gateway (store.js) as it is now.
export function gatewayView() {
  const about = make("dl", { class: "facts about" });
  const showAbout = facts(about);
  const tiles = TILES.map(([name, of]) => {
    const head = make("p", { class: "head" }),
      lines = make("ul");
    return { node: make("section", { class: "tile" }, make("h2", {}, name), head, lines), head, lines, of, said: "" };
  });
  id("tiles").append(...tiles.map((tile) => tile.node));
  id("tiles").before(about);
  const full = id("books");
  let faults = "",
    rate = null;

  return (known) => {
    const g = known.gateway,
      now = known.now();
    if (!g) return;
    write(id("name"), shown(g.gateway));
    write(id("state"), g.state + (g.reason ? ` (${shown(g.reason)})` : ""));
    mark(id("state"), "data-state", g.state);
    document.title = `${Object.keys(g.faults ?? {}).length ? "⚠ " : ""}${shown(g.gateway)} · gateway`;
    const off = Math.abs(known.ahead());
    const started = instant(g.started);
    showAbout([
      ["Version", shown(g.version)],
      ["Run", shown(g.run)],
      ["Up", started === null ? "–" : duration(now - started), null, started === null ? null : `since ${g.started}`],
      [
        "Clock",
        shown(g.clock) +
          (off > 5 ? `, ${duration(off)} ${known.ahead() > 0 ? "ahead of" : "behind"} this device's` : ""),
        g.clock === "synced" ? null : "warn",
      ],
      ["Counted at", instant(g.time) === null ? "–" : [moment(instant(g.time), now)]],
    ]);
    rate = pace(known.before, g) ?? rate;
    for (const tile of tiles) {
      const { head, tone, lines } = tile.of(g, tile.of === boardsTile ? rate : now);
      write(tile.head, head);
      mark(tile.node, "data-tone", tone);
      const said = lines.filter(Boolean);
      if (tile.said !== said.join("\n")) {
        tile.said = said.join("\n");
        tile.lines.replaceChildren(...said.map((line) => make("li", { title: line }, line)));
      }
    }
    const present = JSON.stringify(g.faults ?? {});
    if (present !== faults) {
      faults = present;
      id("faults").replaceChildren(...faultItems(g.faults, now));
    }
    if (full.open) full.lastElementChild.replaceChildren(...books(g));
  };
}
