// The page: what the gateway says goes into the store; what is on the screen is drawn from it, once a frame at most.

import { boardView } from "./boards.js";
import { make, mark, write } from "./dom.js";
import { gatewayView } from "./gateway.js";
import { histories } from "./histories.js";
import { jumpList } from "./jump.js";
import { watchColours } from "./plot.js";
import { store, trouble, troubled } from "./store.js";
import { stream } from "./stream.js";
import { clock, duration, shown } from "./words.js";

const LATE = 12; // s without any event, after which what is shown is old: the gateway says something every 5 s
const PATIENCE = 1.5; // s for which a broken stream is not spoken of
const SPANS = [300, 900, 3600]; // s

const id = (name) => document.getElementById(name);
const known = store();
const showGateway = gatewayView();
const showJump = jumpList(id("jump"));
const views = new Map(); // board's name -> boards.js
const cardOf = new Map(); // canvas' card by its node
const dirtyCards = new Set(),
  dirtyBoards = new Set();
let all = true,
  waiting = false,
  broken = null,
  denied = false,
  span = null,
  number = 0,
  version = null;
let auto = { at: 0, span: 3600 }; // the span that holds what there is, and when that was looked at

const history = histories((sensor) => {
  auto.at = 0;
  touch(sensor);
});

function dirty(card, place = null) {
  if (card) dirtyCards.add(card);
  if (place) dirtyBoards.add(place.name);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(frame);
}

function touch(sensor) {
  const card = views.get(sensor.board)?.cards.get(sensor.name);
  if (card) dirty(card);
}

function everything() {
  all = true;
  dirty(null);
}

const onScreen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const card = cardOf.get(entry.target);
      if (!card) continue;
      card.seen = entry.isIntersecting;
      if (!card.seen && card.canvas) card.canvas.width = card.canvas.height = 0; // its memory
      if (card.seen) dirty(card);
    }
  },
  { rootMargin: "300px 0px" },
);

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const card = cardOf.get(target.closest(".sensor"));
    if (!card || !contentRect.width) continue;
    card.size = { width: contentRect.width, height: contentRect.height };
    if (card.seen) dirty(card);
  }
});

const tools = {
  say: (text) => write(id("said"), text),
  dirty,
  watch(card) {
    cardOf.set(card.node, card);
    onScreen.observe(card.node);
    dirty(card);
  },
  filled: (card) => sizes.observe(card.canvas),
  unwatch(card) {
    cardOf.delete(card.node);
    onScreen.unobserve(card.node);
    if (card.canvas) sizes.unobserve(card.canvas);
    dirtyCards.delete(card);
  },
};

// Whether what is shown is old, and what is to be said about it.
function news() {
  const now = Date.now() / 1000;
  const silence = known.heard ? now - known.heard : 0;
  if (denied) return "This gateway wants a token. ";
  const g = known.gateway;
  if (broken !== null && now - broken > PATIENCE)
    return known.heard
      ? `No news since ${clock(known.heard, now)}: the gateway cannot be reached. Trying again.`
      : "The gateway cannot be reached. Trying again.";
  if (known.heard && silence > LATE)
    return `No news since ${clock(known.heard, now)} (${duration(silence)}): the gateway does not say anything.`;
  if (g && g.state !== "online") return `The gateway is ${shown(g.state)}${g.reason ? `: ${shown(g.reason)}` : ""}.`;
  if (version !== null && g && g.version !== version)
    return `The gateway is now version ${shown(g.version)}; this page is of ${shown(version)}. Reload it.`;
  return "";
}

function showNews() {
  const said = news(),
    stale = said !== "" && !said.endsWith("Reload it.");
  const banner = id("banner");
  if (banner.dataset.said !== said) {
    banner.dataset.said = said;
    banner.replaceChildren(said, ...(denied ? [make("a", { href: "login" }, "Enter it here.")] : []));
    banner.hidden = !said;
  }
  document.body.classList.toggle("stale", stale);
  write(id("news"), stale || !known.heard ? "" : "live");
  return stale;
}

function chosenSpan(now) {
  if (span !== null) return span;
  let first = now; // the shortest that holds what there is
  for (const { seen, sensor } of cardOf.values()) if (seen && sensor.hour) first = Math.min(first, sensor.line.begins);
  return first === now ? auto.span : (SPANS.find((one) => now - first <= one * 1.05) ?? SPANS.at(-1));
}

function spanNow(now) {
  if (span !== null || now - auto.at > 5 || now < auto.at) auto = { at: now, span: chosenSpan(now) };
  for (const radio of document.getElementsByName("span")) radio.checked = Number(radio.value) === auto.span;
  return auto.span;
}

function arrange() {
  for (const [name, view] of views) {
    if (known.boards.get(name) === view.place) continue;
    for (const card of view.cards.values()) tools.unwatch(card);
    view.node.remove();
    views.delete(name);
  }
  for (const [name, place] of known.boards) {
    if (views.has(name)) continue;
    number += 1;
    views.set(name, boardView(place, number, tools));
    id("boards").append(views.get(name).node);
    dirtyBoards.add(name);
  }
  id("nothing").hidden = views.size > 0;
  write(
    id("nothing"),
    known.gateway
      ? "This gateway has no boards yet: gateway init finds what is plugged in."
      : "Waiting for the gateway.",
  );
}

// Hides what the filter leaves out, and counts what remains.
function choose() {
  const words = id("filter").value.toLowerCase().trim().split(/\s+/).filter(Boolean);
  const only = id("trouble").checked;
  const has = (text) => words.every((word) => text.includes(word));
  for (const view of views.values()) {
    const { place } = view,
      d = place.document ?? {};
    const whole = has(`${place.name.slice(0, 500)} ${d.port ?? ""} ${d.format ?? ""} ${d.state ?? ""}`.toLowerCase());
    let left = 0;
    for (const { node, sensor } of view.cards.values()) {
      const stays =
        whole || has(`${place.name.slice(0, 500)} ${sensor.name.slice(0, 500)} ${sensor.hardware ?? ""}`.toLowerCase());
      if (node.hidden === stays) node.hidden = !stays;
      left += stays ? 1 : 0;
    }
    view.node.hidden = !((whole || left) && (!only || trouble(place)));
  }
  showJump(views, (view) => {
    const d = view.place.document ?? {},
      bad = [...view.place.sensors.values()].filter(troubled).length;
    return {
      state: d.state ?? "unknown",
      note: d.state !== "online" ? shown(d.state ?? "") : bad ? `${bad} of ${view.place.sensors.size}` : "",
      visible: !view.node.hidden,
    };
  });
}

function frame() {
  waiting = false;
  const now = known.now(),
    stale = showNews();
  if (all) {
    showGateway(known);
    arrange();
    for (const name of views.keys()) dirtyBoards.add(name);
  }
  for (const name of dirtyBoards) views.get(name)?.show(now);
  if (all || dirtyBoards.size) choose();
  dirtyBoards.clear();
  const from = now - spanNow(now);
  for (const card of all ? cardOf.values() : dirtyCards) {
    card.show({ now, from, stale, board: views.get(card.sensor.board)?.place.document?.state ?? "online" });
    if (card.seen) history.want(card.sensor);
  }
  dirtyCards.clear();
  all = false;
}

function hear(kind, data) {
  if (kind === "broken" || kind === "denied") {
    broken ??= Date.now() / 1000;
    denied ||= kind === "denied";
    setTimeout(everything, PATIENCE * 1000 + 100);
    return;
  }
  if (kind === "seen") {
    known.heard = known.heard && Date.now() / 1000;
    everything();
    return;
  }
  const wasStale = broken !== null || document.body.classList.contains("stale");
  broken = null;
  denied = false;
  const touched = known.hear(kind, data);
  if (kind === "documents" && data.gateway) version ??= data.gateway.version;
  if (kind === "values" && !wasStale) for (const sensor of touched) touch(sensor);
  else everything();
}

id("filter").addEventListener("input", () => {
  for (const name of views.keys()) dirtyBoards.add(name);
  dirty(null);
});
id("trouble").addEventListener("change", everything);
id("choose").addEventListener("submit", (event) => event.preventDefault());
for (const radio of document.getElementsByName("span"))
  radio.addEventListener("change", () => {
    span = Number(radio.value);
    everything();
  });
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest?.("input, pre")) return;
  event.preventDefault();
  id("filter").focus();
});
id("books").addEventListener("toggle", everything);
id("configuration").addEventListener("toggle", async ({ target }) => {
  if (!target.open) return;
  const text = target.querySelector("pre");
  try {
    const answer = await fetch(new URL("configuration", document.baseURI), { cache: "no-store" });
    text.textContent = answer.ok ? await answer.text() : `The gateway answered ${answer.status}.`;
  } catch {
    text.textContent = "The gateway cannot be reached.";
  }
});
watchColours(everything);
setInterval(everything, 5000); // time passes also where nothing comes
stream(hear);
mark(document.body, "data-ready", "");
